# frozen_string_literal: true

require_relative 'test_helper'

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
    fleets = rows('fleets.tsv').group_by(&:first)
    keys = File.binread(File.join(VECTORS, 'keys_A.txt')).lines(chomp: true)
    seen = rows('placement.tsv').filter_map do |system, variant, fleet, _keys, indexes|
      name = "#{system} #{variant}"
      next unless VARIANTS.key?(name)

      servers = fleets.fetch(fleet).map { |_, host, port, weight| "#{host}:#{port} weight=#{weight}" }
      client = connect(*servers, **VARIANTS[name])
      assert_equal(indexes, keys.map { |key| client.select_server(key) }.join(','), "#{name} #{fleet}")
      name
    end
    assert_equal VARIANTS.keys.sort, seen.uniq.sort
  end

  private

  def rows(file)
    lines = File.readlines(File.join(VECTORS, file), chomp: true)
    lines.reject { |line| line.start_with?('#') }.map { |line| line.split("\t") }
  end
end
