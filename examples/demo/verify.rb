# frozen_string_literal: true

# Reads what the C example stored and checks every value and owner.
#
#   ruby verify.rb COUNT OWNERS SERVER...

require 'consistent_memcached'

BATCH = 1000

count = Integer(ARGV.shift)
owners = File.readlines(ARGV.shift).map { |line| Integer(line) }
client = ConsistentMemcached::Client.new(ARGV)
right = 0
agreed = 0
(0...count).each_slice(BATCH) do |numbers|
  keys = numbers.map { |number| format('user:%06d', number) }
  values = client.get_multi(keys)
  numbers.zip(keys) do |number, key|
    right += 1 if values[key] == "profile of #{key}"
    agreed += 1 if client.select_server(key) == owners[number]
  end
end
client.close

puts "Ruby: #{right} values right, #{agreed} owners agreed"
exit right == count && agreed == count
