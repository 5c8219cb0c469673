# frozen_string_literal: true

module ConsistentMemcached
  # The version of this gem and of the library it works with.
  VERSION = '0.1.0'
end
