# frozen_string_literal: true

require_relative 'lib/consistent_memcached/version'

Gem::Specification.new do |spec|
  spec.name = 'consistent_memcached'
  spec.version = ConsistentMemcached::VERSION
  spec.summary = 'A memcached client with consistent hashing'
  spec.description = 'Decides which memcached server owns a key, as programs in other languages that use ' \
                     'the same C library do, and talks to that server.'
  spec.authors = ['The consistent_memcached authors']
  spec.licenses = %w[MIT Apache-2.0]
  spec.required_ruby_version = '>= 3.0'
  spec.files = Dir.glob(%w[lib/**/*.{rb,so} README.md LICENSE-*], base: __dir__)
  spec.metadata = { 'rubygems_mfa_required' => 'true' }
  spec.add_dependency 'ffi', '~> 1.15'
end
