# frozen_string_literal: true

require_relative 'test_helper'

# The methods of many keys.
class MultiTest < ClientTest
  def test_set_get_and_delete
    client = fleet(3)
    items = (0...1000).to_h { |i| ["item:#{i}", "value #{i}"] }
    assert_equal 1000, client.set_multi(items)
    assert_equal items, client.get_multi(*items.keys, 'missing', 'item:0')
    assert_equal items, client.get_multi(items.keys)
    assert_equal 1000, client.delete_multi(items.keys + ['missing'])
    assert_equal({}, client.get_multi(items.keys))
  end

  def test_of_nothing
    client = fleet
    assert_equal({}, client.get_multi)
    assert_equal({}, client.get_multi([]))
    assert_equal 0, client.set_multi({})
    assert_equal 0, client.delete_multi([])
  end

  def test_values_and_keys_of_all_kinds
    client = fleet(2)
    client.set_multi('every' => EVERY_BYTE, 'empty' => '', lines: "\r\n", 'ключ' => 'hodnota',
                     "\xff".b => 'bytes', 'n' => 7)
    values = client.get_multi('n', "\xff".b, 'ключ', :lines, 'empty', 'every')
    assert_equal({ 'every' => EVERY_BYTE, 'empty' => '', 'lines' => "\r\n", 'ключ' => 'hodnota',
                   "\xff".b => 'bytes', 'n' => '7' }, values)
    assert_equal Encoding::UTF_8, values['ключ'].encoding
    assert_equal Encoding::BINARY, values['every'].encoding
  end

  def test_ttl
    client = fleet
    client.set_multi({ 'k' => 'v' }, -1)
    assert_equal({}, client.get_multi('k'))
  end

  def test_a_bad_key_is_its_own_error
    client = fleet(2)
    client.set('good', 'v')
    error = assert_raises(CM::MultiError) { client.get_multi('bad key', 'good', 'missing', "\0") }
    assert_equal({ 'good' => 'v' }, error.results)
    assert_equal ['bad key', "\0"], error.errors.keys
    assert_equal [CM::InvalidKeyError], error.errors.values.map(&:class).uniq
    assert_equal(-2, error.status)

    error = assert_raises(CM::MultiError) { client.set_multi('' => '1', 'stored' => '2') }
    assert_equal [1, ['']], [error.results, error.errors.keys]
    assert_equal '2', client.get('stored')

    error = assert_raises(CM::MultiError) { client.delete_multi(['good', '', 'missing']) }
    assert_equal [1, ['']], [error.results, error.errors.keys]
  end

  def test_with_one_server_killed
    client = fleet(2)
    items = (0...100).to_h { |i| ["item:#{i}", "value #{i}"] }
    client.set_multi(items)
    lost, kept = items.keys.partition { |key| client.select_server(key).zero? }
    @servers.first.kill

    error = assert_raises(CM::MultiError) { client.get_multi(items.keys) }
    assert_equal items.slice(*kept), error.results
    assert_equal lost, error.errors.keys
    error.errors.each_value { |each| assert_includes LOSS, each.class }
    assert_equal @servers.first.address, error.server

    error = assert_raises(CM::MultiError) { client.set_multi(items) }
    assert_equal [kept.size, lost], [error.results, error.errors.keys]
    error = assert_raises(CM::MultiError) { client.delete_multi(items.keys) }
    assert_equal [kept.size, lost], [error.results, error.errors.keys]
  end
end
