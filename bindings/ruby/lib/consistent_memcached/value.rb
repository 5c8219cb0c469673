# frozen_string_literal: true

module ConsistentMemcached
  # Values as the server holds them: bytes, and flags that tell what they are.
  module Value
    # Dalli's flag for a String in UTF-8. A binary one has none.
    UTF8 = 4

    # The bytes to store and their flags. The bytes are a copy, because another
    # thread may change the value while the library reads it.
    def self.dump(value)
      return [value.to_s.b, 0] if value.is_a?(Integer)
      raise TypeError, "#{value.class} is neither String nor Integer" unless value.is_a?(String)

      case value.encoding
      when Encoding::BINARY then [value.b, 0]
      when Encoding::UTF_8, Encoding::US_ASCII then [value.b, UTF8]
      else raise TypeError, "a String in #{value.encoding} is neither UTF-8 nor binary"
      end
    end

    # The value that these bytes and flags stand for.
    def self.load(bytes, flags)
      case flags
      when 0 then bytes
      when UTF8 then bytes.force_encoding(Encoding::UTF_8)
      else raise UnmarshalError, "the value's flags are #{flags}"
      end
    end
  end
end
