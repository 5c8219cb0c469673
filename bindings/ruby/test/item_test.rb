# frozen_string_literal: true

require_relative 'test_helper'

# One test for each method of one key.
class ItemTest < ClientTest
  def test_get_and_set
    client = fleet(2)
    assert_nil client.get('k')
    assert_equal true, client.set('k', 'v')
    assert_equal 'v', client.get('k')
    assert_equal 'v', client.get(:k)
  end

  def test_add_and_replace
    client = fleet
    assert_equal false, client.replace('k', 'r')
    assert_equal true, client.add('k', 'a')
    assert_equal false, client.add('k', 'b')
    assert_equal 'a', client.get('k')
    assert_equal true, client.replace('k', 'c')
    assert_equal 'c', client.get('k')
  end

  def test_append_and_prepend
    client = fleet
    assert_equal false, client.append('k', 'c')
    assert_equal false, client.prepend('k', 'a')
    client.set('k', 'b')
    assert_equal true, client.append('k', 'c')
    assert_equal true, client.prepend('k', 'a')
    assert_equal 'abc', client.get('k')
    assert_equal Encoding::UTF_8, client.get('k').encoding
  end

  def test_set_cas
    client = fleet
    assert_equal [nil, 0], client.get_cas('k')
    client.set('k', '1')
    value, cas = client.get_cas('k')
    assert_equal '1', value
    assert_equal true, client.set_cas('k', '2', cas)
    assert_equal false, client.set_cas('k', '3', cas)
    assert_equal '2', client.get('k')
    client.delete('k')
    assert_equal false, client.set_cas('k', '3', cas)
    assert_nil client.get('k')
  end

  def test_set_cas_without_a_cas_id_stores_nothing
    client = fleet
    client.set('k', '1')
    assert_raises(CM::InvalidArgumentError) { client.set_cas('k', '2', 0) }
    assert_equal '1', client.get('k')
  end

  def test_cas
    client = fleet
    assert_nil(client.cas('k') { flunk 'there is no value' })
    client.set('k', '1')
    assert_equal true, client.cas('k') { |value| "#{value}2" }
    assert_equal '12', client.get('k')
    changed = client.cas('k') do
      client.set('k', 'other')
      'mine'
    end
    assert_equal false, changed
    assert_equal 'other', client.get('k')
  end

  def test_delete
    client = fleet
    assert_equal false, client.delete('k')
    client.set('k', 'v')
    assert_equal true, client.delete('k')
    assert_nil client.get('k')
  end

  def test_incr_and_decr
    client = fleet
    assert_nil client.incr('k')
    assert_nil client.decr('k')
    client.set('k', 10)
    assert_equal 11, client.incr('k')
    assert_equal 15, client.incr('k', 4)
    assert_equal 14, client.decr('k')
    assert_equal 0, client.decr('k', 20)
    assert_equal (2**64) - 1, client.incr('k', (2**64) - 1)
    assert_equal 1, client.incr('k', 2)
    assert_equal 1, client.incr('k', 0)
  end

  def test_incr_of_what_is_no_number
    client = fleet
    client.set('k', 'text')
    assert_raises(CM::RejectedError) { client.incr('k') }
    assert_raises(ArgumentError) { client.incr('k', -1) }
    assert_raises(ArgumentError) { client.decr('k', -1) }
    assert_raises(RangeError) { client.incr('k', 2**64) }
  end

  def test_ttl
    client = fleet
    client.set('k', 'v', -1)
    assert_nil client.get('k')
    client.set('k', 'v', 40 * 24 * 60 * 60) # a server would take it for a date in 1970
    assert_equal 'v', client.get('k')
    client.set('k', 'v', -0.5)
    assert_nil client.get('k')
    client.set('k', 'v', 99.5)
    assert_equal 'v', client.get('k')
    assert_raises(CM::InvalidArgumentError) { client.set('k', 'v', Time.now.to_i) }
  end

  def test_a_fraction_of_a_second_is_not_for_ever
    client = fleet
    client.set('k', 'v', 0.5)
    give_up = Time.now + 60
    sleep 0.1 while client.get('k') && Time.now < give_up
    assert_nil client.get('k')
  end

  def test_touch
    client = fleet
    assert_nil client.touch('k', 60)
    client.set('k', 'v')
    assert_equal true, client.touch('k', 60)
    assert_equal 'v', client.get('k')
    assert_equal true, client.touch('k', -1)
    assert_nil client.get('k')
  end

  def test_gat
    client = fleet
    assert_nil client.gat('k', 60)
    client.set('k', 'v')
    assert_equal 'v', client.gat('k', 60)
    assert_equal 'v', client.gat('k', -1)
    assert_nil client.get('k')
  end

  def test_keys
    client = fleet(2)
    ['k' * 250, "\x80\xff".b, 'ключ'].each do |key|
      client.set(key, 'v')
      assert_equal 'v', client.get(key)
      assert_equal 'v', client.get(key.b)
    end
    ['', nil, 'k' * 251, 'ü' * 126, 'a b', "a\0b", "\0", "a\n", "a\r\nflush_all", "a\x7f"].each do |key|
      assert_raises(CM::InvalidKeyError) { client.get(key) }
      assert_raises(CM::InvalidKeyError) { client.set(key, 'v') }
    end
  end
end
