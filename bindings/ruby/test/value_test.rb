# frozen_string_literal: true

require_relative 'test_helper'

# What can be stored, and what it is read back as.
class ValueTest < ClientTest
  def test_binary_strings
    client = fleet
    [EVERY_BYTE, "\r\nEND\r\n".b, ''.b, EVERY_BYTE * 2000].each do |value|
      client.set('k', value)
      assert_binary value, client.get('k')
      assert_binary value, client.get_cas('k').first
      assert_binary value, client.get_multi('k')['k']
    end
  end

  def test_utf8_strings
    client = fleet
    ['žluťoučký', '', "not \xff UTF-8", 'ascii'.encode('US-ASCII')].each do |value|
      client.set('k', value)
      assert_equal value, client.get('k')
      assert_equal Encoding::UTF_8, client.get('k').encoding
      assert_equal Encoding::UTF_8, client.get_multi('k')['k'].encoding
    end
  end

  def test_integers_are_stored_as_digits
    client = fleet
    [0, -1, 2**64].each do |value|
      client.set('k', value)
      assert_binary value.to_s, client.get('k')
    end
  end

  def test_other_values
    client = fleet
    [nil, :symbol, 1.5, [], { a: 1 }, 'text'.encode('UTF-16LE')].each do |value|
      assert_raises(TypeError) { client.set('k', value) }
      assert_raises(TypeError) { client.set_multi('k' => value) }
    end
    assert_nil client.get('k')
  end

  def test_flags_of_other_writers
    client = fleet
    write_raw("set marshalled 1 0 4\r\n\x04\b[\0\r\n")
    client.set('good', 'v')
    assert_raises(CM::UnmarshalError) { client.get('marshalled') }
    assert_raises(CM::UnmarshalError) { client.get_cas('marshalled') }
    error = assert_raises(CM::MultiError) { client.get_multi('marshalled', 'good') }
    assert_equal({ 'good' => 'v' }, error.results)
    assert_equal ['marshalled'], error.errors.keys
    assert_instance_of CM::UnmarshalError, error.errors['marshalled']
    assert_equal 'v', client.get('good')
  end

  def test_what_dalli_writes_with_string_fastpath
    client = fleet
    write_raw("set utf8 4 0 2\r\n\u00fc\r\n")
    write_raw("set binary 0 0 2\r\n\u00fc\r\n")
    assert_equal 'ü', client.get('utf8')
    assert_binary 'ü', client.get('binary')
  end

  def test_a_value_that_is_too_large
    client = fleet
    assert_raises(CM::ValueTooLargeError) { client.set('k', 'v' * (2 << 20)) }
    assert_nil client.get('k')
  end

  def test_a_key_and_value_may_change_during_the_call
    client = fleet
    key = +'k'
    value = 'v' * 10_000
    changer = Thread.new do
      loop do
        value << 'w'
        value.slice!(-1)
        value.replace('v' * 10_000)
        Thread.pass
      end
    end
    200.times do
      client.set(key, value)
      assert_match(/\Av{10000}w?\z/, client.get(key))
    end
  ensure
    changer.kill.join
  end

  private

  def write_raw(command)
    host, port = @servers.first.address.split(':')
    TCPSocket.open(host, port.to_i) do |socket|
      socket.write(command)
      assert_equal "STORED\r\n", socket.gets
    end
  end
end
