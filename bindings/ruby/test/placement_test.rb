# frozen_string_literal: true

require_relative 'test_helper'
require 'json'

# Keys go where the vectors say; the library's own tests check all of them.
class PlacementTest < ClientTest
  VECTORS = File.expand_path('../../../tests/vectors', __dir__)

  VARIANTS = {
    'reference rehash_slots_65536' => {},
    'reference rehash_slots_262144' => { slots: 262_144 },
    'reference rehash_slots_4096' => { slots: 4096 },
    'python-memcached-1.62 modulo_crc32' => { distribution: :modulo, hash: :crc32 },
    'python-memcached-1.62 modulo_cmemcache' => { distribution: :modulo, hash: :cmemcache }
  }.freeze

  def test_placement
    keys = File.binread(File.join(VECTORS, 'keys_A.txt')).lines(chomp: true)
    seen = rows.each do |variant, fleet, indexes|
      client = connect(*servers(fleet), **VARIANTS.fetch(variant))
      assert_equal(indexes, keys.map { |key| client.select_server(key) }, "#{variant} #{fleet}")
    end
    assert_equal VARIANTS.keys.sort, seen.map(&:first).uniq.sort
  end

  private

  # Variant, fleet and the index for each key.
  def rows
    File.foreach(File.join(VECTORS, 'placement.tsv'), chomp: true).filter_map do |line|
      system, variant, fleet, _keys, indexes = line.split("\t")
      name = "#{system} #{variant}"
      [name, fleet, indexes.split(',').map(&:to_i)] if VARIANTS.key?(name)
    end
  end

  def servers(fleet)
    @fleets ||= JSON.parse(File.read(File.join(VECTORS, 'fleets.json')))
    @fleets.fetch(fleet).map { |server| "#{server['host']}:#{server['port']} weight=#{server['weight']}" }
  end
end
