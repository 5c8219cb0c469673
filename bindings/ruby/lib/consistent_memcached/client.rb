# frozen_string_literal: true

module ConsistentMemcached
  # A memcached client with Dalli's method names. Any number of threads may use
  # it at once.
  #
  #   client = ConsistentMemcached::Client.new(['10.0.0.1:11211', '10.0.0.2:11211'], timeout_ms: 500)
  #   client.set('user:1', 'Ada', 60)
  #   client.get('user:1') # => "Ada"
  #
  # A key is a String, or anything whose to_s is the key. A value is a String in
  # UTF-8 or binary, which is what it is read back as, or an Integer, which is
  # stored as its decimal digits, so that incr and decr can work on it, and read
  # back as a binary String. A ttl is in seconds from now, however many; nil and
  # 0 never expire, a negative one expires at once.
  #
  # A method that gets no answer raises an Error; nil and false are answers.
  class Client
    include Metrics

    # Each server is written "ADDRESS [weight=N] [name=ID]", where ADDRESS is
    # "host", "host:port", "[ipv6]:port" or "unix:/path". The options are the
    # library's. Connections are made when they are needed.
    def initialize(servers, **options)
      native_options = native_options(options)
      out = FFI::MemoryPointer.new(:pointer)
      Native.call!(:cm_client_new, Array(servers).join(','), native_options, out)
      @native = FFI::AutoPointer.new(out.read_pointer, Native.method(:cm_client_free))
    end

    # Goes on with another list of servers, from the next call on. One that
    # stays, under the same name and address, keeps its connections. After an
    # error the old list stays.
    def servers=(servers)
      Native.call!(:cm_client_set_servers, @native, Array(servers).join(','))
    end

    # Goes on with another list and another placement: what options such as
    # distribution do not say of it has its default.
    def set_fleet(servers, **options)
      Native.call!(:cm_client_set_fleet, @native, Array(servers).join(','), native_options(options))
    end

    # Closes the connections. Calls that wait for a server raise ClosedError,
    # and so do all later ones.
    def close
      Native.cm_client_close(@native)
    end

    # The value, or nil on a miss.
    def get(key)
      retrieve(:cm_get, key) { |result| Value.load(result.bytes, result[:flags]) }
    end

    # The value and the cas id for set_cas, or [nil, 0] on a miss.
    def get_cas(key)
      retrieve(:cm_gets, key) { |result| [Value.load(result.bytes, result[:flags]), result[:cas]] } || [nil, 0]
    end

    # The value, which is given a new ttl, or nil on a miss.
    def gat(key, ttl = nil)
      retrieve(:cm_get_and_touch, key, seconds(ttl)) { |result| Value.load(result.bytes, result[:flags]) }
    end

    # Stores the value, whether or not there is one. Returns true.
    def set(key, value, ttl = nil)
      store(:cm_set, key, value, ttl)
    end

    # Stores the value if there is none; false if there is.
    def add(key, value, ttl = nil)
      store(:cm_add, key, value, ttl)
    end

    # Stores the value if there is one already; false if there is none.
    def replace(key, value, ttl = nil)
      store(:cm_replace, key, value, ttl)
    end

    # Stores the value if the item is still the one that get_cas read; false if
    # it was changed or is gone.
    def set_cas(key, value, cas, ttl = nil)
      store(:cm_cas, key, value, ttl, unsigned(cas))
    end

    # Yields the value that is there and stores what the block returns, unless
    # the item was changed meanwhile: then false. nil if there is no value.
    def cas(key, ttl = nil)
      value, cas = get_cas(key)
      set_cas(key, yield(value), cas, ttl) unless value.nil?
    end

    # Puts the value behind the one that is there; false if there is none.
    def append(key, value)
      extend_value(:cm_append, key, value)
    end

    # Puts the value before the one that is there; false if there is none.
    def prepend(key, value)
      extend_value(:cm_prepend, key, value)
    end

    # True if there was an item to delete.
    def delete(key)
      call(:cm_delete, key) == Native::OK
    end

    # Gives the item a new ttl. True, or nil if there is no such item.
    def touch(key, ttl = nil)
      true if call(:cm_touch, key, seconds(ttl)) == Native::OK
    end

    # Adds the amount to the decimal number in the item. The sum, which wraps
    # around at 64 bits, or nil on a miss.
    def incr(key, amount = 1)
      count(:cm_increment, key, amount)
    end

    # Subtracts the amount from the decimal number in the item. The difference,
    # which stops at 0, or nil on a miss.
    def decr(key, amount = 1)
      count(:cm_decrement, key, amount)
    end

    # A Hash of the values that are there, by key. When some keys could not be
    # asked for, raises a MultiError, whose results are the other values.
    def get_multi(*keys)
      keys = keys.flatten.map(&:to_s)
      values = {}
      errors = batch(keys, :cm_get_multi_packed, 0, *pack(keys)) do |key, answer|
        values[key] = Value.load(answer.value, answer.flags) if answer.status == Native::OK
      end
      complete(values, errors)
    end

    # Stores the values of a Hash by their keys, whether or not there are any.
    # Returns how many. When some could not be stored, raises a MultiError.
    def set_multi(hash, ttl = nil)
      keys = hash.keys.map(&:to_s)
      values, flags = hash.values.map { |value| Value.dump(value) }.transpose
      stored = 0
      errors = batch(keys, :cm_set_multi_packed, 0, *pack(keys), *pack(values || []),
                     (flags || []).pack('L*'), seconds(ttl)) { stored += 1 }
      complete(stored, errors)
    end

    # Deletes the items. Returns how many there were. When some could not be
    # deleted, raises a MultiError.
    def delete_multi(keys)
      keys = keys.map(&:to_s)
      deleted = 0
      errors = batch(keys, :cm_delete_multi_packed, *pack(keys)) do |_key, answer|
        deleted += 1 if answer.status == Native::OK
      end
      complete(deleted, errors)
    end

    # The index, in the list given to new, of the server that owns the key.
    def select_server(key)
      index = FFI::MemoryPointer.new(:size_t)
      call(:cm_select_server, key, index)
      index.read(:size_t)
    end

    # A Hash of statistics for each server, in the order of the list given to
    # new. The argument is that of memcached's command, such as 'items'. When
    # some servers did not answer, raises a MultiError.
    def stats(argument = '')
      argument = argument.to_s.b
      each_server(:cm_stats, argument, argument.bytesize) do |answer|
        lines = answer.value.force_encoding(Encoding::UTF_8).lines(chomp: true)
        lines.to_h { |line| line.split(' ', 2) }
      end
    end

    # Makes every server forget all items, after a delay in seconds. Returns
    # true for each server. When some did not answer, raises a MultiError.
    def flush_all(delay = 0)
      each_server(:cm_flush_all, seconds(delay)) { true }
    end
    alias flush flush_all

    private

    def native_options(options)
      native = FFI::AutoPointer.new(Native.cm_options_new, Native.method(:cm_options_free))
      options.each { |name, value| Native.call!(:cm_options_set, native, name.to_s, value.to_s) }
      native
    end

    # Calls a function of one key. Returns the status.
    def call(function, key, *arguments)
      key = key.to_s.b
      Native.call!(function, @native, key, key.bytesize, *arguments)
    end

    # What the block makes of the item found, or nil on a miss.
    def retrieve(function, key, *arguments)
      key = key.to_s.b
      Native.call_for(:cm_result_free, function, @native, key, key.bytesize, *arguments) do |found, error|
        raise error if error

        yield Native::Result.new(found) unless found.null?
      end
    end

    # Whether the value was stored.
    def store(function, key, value, ttl, *arguments)
      value, flags = Value.dump(value)
      call(function, key, value, value.bytesize, flags, seconds(ttl), *arguments) == Native::OK
    end

    # Whether there was a value to put this one to.
    def extend_value(function, key, value)
      value, = Value.dump(value)
      call(function, key, value, value.bytesize) == Native::OK
    end

    # The new number, or nil on a miss.
    def count(function, key, amount)
      number = FFI::MemoryPointer.new(:uint64)
      number.read(:uint64) if call(function, key, unsigned(amount), number) == Native::OK
    end

    # Yields each key with its answer. Returns the errors by key.
    def batch(keys, function, *arguments, &block)
      answers, first = Native.call_for(:cm_block_free, function, @native, *arguments, keys.size) do |packed, error|
        raise error if packed.null?

        [Native.unpack(packed), error]
      end
      each_answer(keys, answers, first, &block)
    end

    # What the block makes of each server's answer.
    def each_server(function, *arguments)
      answers, first = Native.call_for(:cm_results_free, function, @native, *arguments) do |list, error|
        raise error if list.null?

        [Native.answers(list), error]
      end
      results = Array.new(answers.size)
      errors = each_answer(answers.each_index, answers, first) do |index, answer|
        results[index] = yield answer
      end
      complete(results, errors)
    end

    # Yields the answers under their names, and returns the errors under theirs.
    # The library describes only the first failure.
    def each_answer(names, answers, first)
      errors = {}
      names.zip(answers) do |name, answer|
        if answer.status.negative?
          errors[name] = first || Error.of(answer.status, Native.cm_status_name(answer.status))
          first = nil
        else
          yield name, answer
        end
      rescue UnmarshalError => e
        errors[name] = e
      end
      errors
    end

    def complete(results, errors)
      raise MultiError.new(results, errors) unless errors.empty?

      results
    end

    # Strings laid end to end, and their lengths: what the packed functions take.
    def pack(strings)
      strings = strings.map(&:b) # another thread may change the caller's
      bytes = strings.join
      [bytes, bytes.bytesize, strings.map(&:bytesize).pack('L*')]
    end

    # Fractions are rounded away from 0, because 0 means that it never expires.
    def seconds(ttl)
      return 0 if ttl.nil?

      ttl.negative? ? ttl.floor : ttl.ceil
    end

    # C would take a negative number for a large one.
    def unsigned(number)
      raise ArgumentError, "#{number} is negative" if number.negative?

      number
    end
  end
end
