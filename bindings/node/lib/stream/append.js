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

// One message, checked.
function outgoing(value, given) {
  const options = argument.options(given, APPEND_OPTIONS)
  return value === null ? codec.outgoing(EMPTY, tombstone(options)) : codec.outgoing(value, options)
}

const pack = (value, options) => codec.packed(outgoing(value, options))

// Several, and how many they are.
function packCounted(messages) {
  const isTombstone = (given) => typeof given === 'object' && given !== null && given.value === null
  if (!Array.isArray(messages) || !messages.some(isTombstone)) return codec.packCounted(messages, APPEND_MANY_OPTIONS)
  const replaced = messages.map((given) => {
    if (!isTombstone(given)) return given
    return { ...tombstone(argument.options(given, APPEND_MANY_OPTIONS)), value: EMPTY }
  })
  return codec.packCounted(replaced, [...APPEND_MANY_OPTIONS, 'isTombstone'])
}

const packMany = (messages) => packCounted(messages).packed

module.exports = { outgoing, pack, packCounted, packMany }
