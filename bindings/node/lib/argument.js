'use strict'
// Arguments on their way in: what the native half cannot see for itself.

const { invalid } = require('./errors.js')
const { limits } = require('./native.js')

// A wrong argument in an error's words; what could be long or secret by its type only.
function shown(value) {
  if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}...` : value)
  if (value !== null && ['object', 'function'].includes(typeof value)) return `a ${typeof value}`
  return String(value)
}

// Options that the native half checks by name: an object, or nothing.
function object(given) {
  if (given === undefined) return {}
  if (given === null || typeof given !== 'object') throw invalid('options', `an object is needed, not ${shown(given)}`)
  return given
}

// Options of a verb: an object, or nothing, with no names but those `known`.
function options(given, known) {
  for (const name of Object.keys(object(given))) {
    if (!known.includes(name)) throw invalid('options', `${JSON.stringify(name)} is none of ${known.join(', ')}`)
  }
  return given ?? {}
}

function text(argument, value) {
  if (typeof value !== 'string') throw invalid(argument, `a string is needed, not ${shown(value)}`)
  return value
}

function number(argument, value) {
  if (typeof value !== 'number') throw invalid(argument, `a number is needed, not ${shown(value)}`)
  return value
}

// How many messages to take.
function count(value) {
  if (Number.isInteger(value) && value >= 1 && value <= limits.receiveCountMax) return value
  throw invalid('count', `${shown(value)} is not a whole number from 1 to ${limits.receiveCountMax}`)
}

// A place between items of which there are `count`.
function index(argument, value, count) {
  if (Number.isInteger(value) && value >= 0 && value <= count) return value
  throw invalid(argument, `${shown(value)} is not a whole number from 0 to ${count}`)
}

// The number of a partition.
function partition(value) {
  if (Number.isInteger(value) && value >= 0 && value < limits.partitionCountMax) return value
  throw invalid('partition', `${shown(value)} is not a whole number from 0 to ${limits.partitionCountMax - 1}`)
}

// A time span in milliseconds that may be Infinity: for ever.
function wait(argument, value) {
  if (number(argument, value) >= 0) return value
  throw invalid(argument, `${value} is not a time span; give milliseconds, 0 or more`)
}

// A time in nanoseconds since 1970.
function timeNs(argument, value) {
  if (typeof value !== 'bigint' || value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    throw invalid(argument, `a BigInt of nanoseconds since 1970 is needed, not ${shown(value)}`)
  }
  return value
}

// Why something failed: text, or an Error, which speaks for itself.
function reason(value) {
  if (value instanceof Error) return String(value)
  return text('reason', value)
}

// What ends a wait early, if it was given.
function signal(value) {
  if (value === undefined || value instanceof AbortSignal) return value
  throw invalid('signal', `an AbortSignal is needed, not ${shown(value)}`)
}

// One of the words that an option knows.
function word(argument, value, known) {
  if (known.includes(value)) return value
  throw invalid(argument, `${shown(value)} is none of ${known.map((one) => JSON.stringify(one)).join(', ')}`)
}

// A function, if it was given.
function callback(argument, value) {
  if (value === undefined || typeof value === 'function') return value
  throw invalid(argument, `a function is needed, not ${shown(value)}`)
}

// Bytes without copying them, or text as UTF-8.
function bytes(argument, value) {
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value)
  throw invalid(argument, `a string or bytes (Buffer, Uint8Array, ArrayBuffer) are needed, not ${shown(value)}`)
}

module.exports = { object, options, text, number, count, index, partition, wait, timeNs, reason, bytes, shown, signal, word, callback }
