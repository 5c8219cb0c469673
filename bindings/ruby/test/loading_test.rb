# frozen_string_literal: true

require_relative 'test_helper'
require 'fileutils'
require 'open3'
require 'tmpdir'

# Which library is loaded. Each case is a program of its own.
class LoadingTest < Minitest::Test
  LIB = File.expand_path('../lib', __dir__)
  SHOW = 'require "consistent_memcached"; print ConsistentMemcached::Native.ffi_libraries.first.name'

  def test_the_one_named_by_the_environment
    assert_equal [library, true], run_ruby(LIB, 'CONSISTENT_MEMCACHED_LIBRARY' => library)
  end

  def test_none_in_place_of_the_one_named
    output, success = run_ruby(LIB, 'CONSISTENT_MEMCACHED_LIBRARY' => '/nowhere/libconsistent_memcached.so')
    refute success
    assert_includes output, '/nowhere/libconsistent_memcached.so'
  end

  def test_the_copy_in_the_gem_before_the_systems
    Dir.mktmpdir do |dir|
      FileUtils.cp_r(LIB, dir)
      copy = File.join(dir, 'lib/consistent_memcached/libconsistent_memcached.so')
      FileUtils.cp(library, copy)
      assert_equal [copy, true], run_ruby(File.join(dir, 'lib'), 'CONSISTENT_MEMCACHED_LIBRARY' => nil)
    end
  end

  def test_the_systems
    Dir.mktmpdir do |dir|
      FileUtils.cp(library, File.join(dir, 'libconsistent_memcached.so.0'))
      environment = { 'CONSISTENT_MEMCACHED_LIBRARY' => '', 'LD_LIBRARY_PATH' => dir }
      assert_equal ['libconsistent_memcached.so.0', true], run_ruby(LIB, environment)
    end
  end

  def test_another_version_is_refused
    Dir.mktmpdir do |dir|
      other = File.join(dir, 'libother.so')
      source = 'const char *cm_version(void) { return "0.0.0"; }'
      _, status = Open3.capture2('cc', '-shared', '-fPIC', '-x', 'c', '-o', other, '-', stdin_data: source)
      assert_predicate status, :success?
      output, success = run_ruby(LIB, 'CONSISTENT_MEMCACHED_LIBRARY' => other)
      refute success
      assert_includes output, 'LoadError'
      assert_includes output, "#{other} is 0.0.0"
    end
  end

  def test_the_gem_can_be_built_and_installed
    Dir.mktmpdir do |dir|
      gem = File.join(dir, 'consistent_memcached.gem')
      gem_command('build', 'consistent_memcached.gemspec', '--output', gem)
      gem_command('install', gem, '--local', '--ignore-dependencies', '--no-document', '--install-dir', dir)
      lib = File.join(dir, "gems/consistent_memcached-#{ConsistentMemcached::VERSION}/lib")
      assert_equal [library, true], run_ruby(lib, 'CONSISTENT_MEMCACHED_LIBRARY' => library)
    end
  end

  private

  def gem_command(*arguments)
    output, status = Open3.capture2e('gem', *arguments, chdir: File.dirname(LIB))
    assert_predicate status, :success?, output
  end

  # The library that these tests use, wherever it was found.
  def library
    File.foreach('/proc/self/maps') { |line| return line[%r{/.*}] if line.include?('libconsistent_memcached') }
  end

  def run_ruby(lib, environment)
    output, status = Open3.capture2e(environment, RbConfig.ruby, '-I', lib, '-e', SHOW)
    [output, status.success?]
  end
end
