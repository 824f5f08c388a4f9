'use strict'
// Messages of streams on their way in: a value of null is a tombstone.

const argument = require('../argument.js')
const codec = require('../codec.js')
const { invalid } = require('../errors.js')

const APPEND_OPTIONS = ['key', 'headers', 'eventTimeNs', 'durability']
const APPEND_MANY_OPTIONS = ['value', ...APPEND_OPTIONS]

const EMPTY = new Uint8Array(0)

function tombstone(options) {
  if (options.key === undefined) throw invalid('key', 'a tombstone, which is what null is, needs one')
  return { ...options, isTombstone: true }
}

// One message, packed.
function pack(value, given) {
  const options = argument.options(given, APPEND_OPTIONS)
  return value === null ? codec.pack(EMPTY, tombstone(options)) : codec.pack(value, options)
}

// Several.
function packMany(messages) {
  const isTombstone = (given) => typeof given === 'object' && given !== null && given.value === null
  if (!Array.isArray(messages) || !messages.some(isTombstone)) return codec.packMany(messages, APPEND_MANY_OPTIONS)
  const replaced = messages.map((given) => {
    if (!isTombstone(given)) return given
    return { ...tombstone(argument.options(given, APPEND_MANY_OPTIONS)), value: EMPTY }
  })
  return codec.packMany(replaced, [...APPEND_MANY_OPTIONS, 'isTombstone'])
}

module.exports = { pack, packMany }
