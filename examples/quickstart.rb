# frozen_string_literal: true

# The client in one minute: ruby quickstart.rb [SERVER ...].

require 'consistent_memcached'

servers = ARGV.empty? ? ['127.0.0.1:11211'] : ARGV
cache = ConsistentMemcached::Client.new(servers, timeout_ms: 500, key_prefix: 'quickstart:')

begin
  cache.set('greeting', 'hello', 60)
  puts "greeting: #{cache.get('greeting')}"
  puts "a miss: #{cache.get('absent').inspect}"

  cache.set_multi({ 'apples' => 3, 'pears' => 5 }, 60)
  puts "after one more apple: #{cache.incr('apples')}"
  puts "fruit: #{cache.get_multi('apples', 'pears', 'plums')}"
  puts "pears are on #{servers[cache.select_server('pears')]}"
rescue ConsistentMemcached::Error => e
  abort "memcached failed: #{e.message}"
ensure
  cache.close
end
