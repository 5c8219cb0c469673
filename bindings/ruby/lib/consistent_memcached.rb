# frozen_string_literal: true

# A memcached client. The C library libconsistent_memcached does the work: it
# decides which server owns a key, so that programs in any language that use it
# send a key to the same server, and it talks to that server.
module ConsistentMemcached
end

require_relative 'consistent_memcached/version'
require_relative 'consistent_memcached/errors'
require_relative 'consistent_memcached/native'
require_relative 'consistent_memcached/metrics'
require_relative 'consistent_memcached/value'
require_relative 'consistent_memcached/client'
