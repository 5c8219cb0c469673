# frozen_string_literal: true

require 'ffi'

module ConsistentMemcached
  # The library's functions as consistent_memcached.h declares them, and the two
  # ways to call them. Not for use outside this gem.
  module Native
    extend FFI::Library

    OK = 0

    # The library to load: the one named by the environment, else the copy in
    # this gem, else the system's.
    def self.library
      named = ENV.fetch('CONSISTENT_MEMCACHED_LIBRARY', '')
      return named unless named.empty?

      packaged = File.join(__dir__, 'libconsistent_memcached.so')
      File.exist?(packaged) ? packaged : 'libconsistent_memcached.so.0'
    end
    private_class_method :library

    ffi_lib library

    attach_function :cm_version, [], :string
    unless cm_version == VERSION
      raise LoadError, "consistent_memcached #{VERSION} needs this version of the library, " \
                       "but #{ffi_libraries.first.name} is #{cm_version}"
    end

    # cm_result.
    class Result < FFI::Struct
      layout :status, :int32, :flags, :uint32, :value, :pointer, :value_len, :size_t,
             :cas, :uint64, :number, :uint64, :ttl_seconds, :int64, :state, :uint32, :server, :uint32,
             :last_access_seconds, :int64, :size, :uint64

      # A copy of the value's bytes.
      def bytes
        self[:value_len].zero? ? ''.b : self[:value].get_bytes(0, self[:value_len])
      end
    end

    # A result in a block of the packed form.
    RECORD = 'lLQQQQqLLx8'
    RECORD_SIZE = 64
    HEAD = 'LLQ'
    HEAD_SIZE = 16

    # One result of a batch, copied out of the library's memory.
    Answer = Struct.new(:status, :flags, :value)

    attach_function :cm_status_name, [:int32], :string
    attach_function :cm_error_message, [:pointer], :string
    attach_function :cm_error_server, [:pointer], :string
    attach_function :cm_error_free, [:pointer], :void

    attach_function :cm_options_new, [], :pointer
    attach_function :cm_options_set, %i[pointer string string pointer], :int32
    attach_function :cm_options_free, [:pointer], :void

    attach_function :cm_client_new, %i[string pointer pointer pointer], :int32
    attach_function :cm_client_set_fleet, %i[pointer string pointer pointer], :int32
    attach_function :cm_client_set_servers, %i[pointer string pointer], :int32
    attach_function :cm_client_close, [:pointer], :void, blocking: true
    attach_function :cm_client_free, [:pointer], :void
    attach_function :cm_select_server, %i[pointer buffer_in size_t pointer pointer], :int32

    attach_function :cm_result_free, [:pointer], :void
    attach_function :cm_results_count, [:pointer], :size_t
    attach_function :cm_results_at, %i[pointer size_t], :pointer
    attach_function :cm_results_free, [:pointer], :void
    attach_function :cm_block_free, [:pointer], :void

    # What waits for the network does so without the interpreter's lock.
    def self.attach_blocking(name, *parameters)
      attach_function name, [:pointer, *parameters, :pointer], :int32, blocking: true
    end
    private_class_method :attach_blocking

    key = %i[buffer_in size_t]
    item = %i[buffer_in size_t buffer_in size_t uint32 int64]
    keys = %i[buffer_in size_t buffer_in]
    attach_blocking :cm_get, *key, :pointer
    attach_blocking :cm_gets, *key, :pointer
    attach_blocking :cm_get_and_touch, *key, :int64, :pointer
    attach_blocking :cm_set, *item
    attach_blocking :cm_add, *item
    attach_blocking :cm_replace, *item
    attach_blocking :cm_cas, *item, :uint64
    attach_blocking :cm_append, *key, *key
    attach_blocking :cm_prepend, *key, *key
    attach_blocking :cm_delete, *key
    attach_blocking :cm_touch, *key, :int64
    attach_blocking :cm_increment, *key, :uint64, :pointer
    attach_blocking :cm_decrement, *key, :uint64, :pointer
    attach_blocking :cm_get_multi_packed, :uint32, *keys, :size_t, :pointer
    attach_blocking :cm_set_multi_packed, :uint32, *keys, *keys, :buffer_in, :int64, :size_t, :pointer
    attach_blocking :cm_delete_multi_packed, *keys, :size_t, :pointer
    attach_blocking :cm_stats, *key, :pointer
    attach_blocking :cm_flush_all, :int64, :pointer

    class << self
      # Calls a function whose last parameter is error_out, which is added to
      # the arguments. Returns the status and the Error, if there is one.
      #
      # An interrupt (Timeout, Thread#kill) may be raised out of any call, also
      # when it is done: what it made is freed here and in call_for, by ensure.
      def call(function, *arguments)
        error_out = FFI::MemoryPointer.new(:pointer)
        begin
          status = public_send(function, *arguments, error_out)
          [status, error(status, error_out.read_pointer)]
        ensure
          cm_error_free(error_out.read_pointer)
        end
      end

      # The same for functions that make an object, whose out parameter comes
      # before error_out. Yields the object (a pointer, perhaps NULL) and the
      # Error, returns what the block returns, and frees the object.
      def call_for(free, function, *arguments)
        out = FFI::MemoryPointer.new(:pointer)
        begin
          _status, error = call(function, *arguments, out)
          yield out.read_pointer, error
        ensure
          public_send(free, out.read_pointer)
        end
      end

      # As call, but raises the Error; returns the status.
      def call!(function, *arguments)
        status, error = call(function, *arguments)
        raise error if error

        status
      end

      # The Answers in a block of the packed form.
      def unpack(block)
        _version, count, = block.get_bytes(0, HEAD_SIZE).unpack(HEAD)
        records = block.get_bytes(HEAD_SIZE, count * RECORD_SIZE).unpack(RECORD * count)
        records.each_slice(9).map do |status, flags, offset, length|
          Answer.new(status, flags, block.get_bytes(offset, length))
        end
      end

      # The Answers in a cm_results.
      def answers(list)
        Array.new(cm_results_count(list)) do |index|
          result = Result.new(cm_results_at(list, index))
          Answer.new(result[:status], result[:flags], result.bytes)
        end
      end

      private

      def error(status, native)
        return unless status.negative?

        Error.of(status, text(cm_error_message(native)), text(cm_error_server(native)))
      end

      def text(bytes)
        bytes.force_encoding(Encoding::UTF_8)
      end
    end
  end
end
