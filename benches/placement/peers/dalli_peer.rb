# frozen_string_literal: true

# Dalli's own placement, timed for the benchmark.
#
# Usage: dalli_peer.rb SERVERS KEYS, two files with a line for each. See ../peer.rs for what is
# asked of a peer. Ring#server_for_key would connect; these are the two steps it takes before.

require 'dalli'

servers, keys = ARGV.map { |path| File.readlines(path, chomp: true) }
ring = Dalli::Ring.new(servers, {})
number = servers.each_with_index.to_h
locate = ->(key) { ring.send(:server_for_hash_key, ring.send(:hash_for, key)) }

$stdout.sync = true
$stdin.each_line do |line|
  order, count = line.split
  count = Integer(count)
  if order == 'owners'
    puts keys.first(count).map { |key| number[locate.call(key).name] }.join(' ')
  else
    start = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
    count.times { |i| locate.call(keys[i % keys.size]) }
    puts Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond) - start
  end
end
