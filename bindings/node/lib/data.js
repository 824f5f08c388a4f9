'use strict'
// Options, arguments and answers of the verbs that are not hot, as they cross: JSON with snake_case names. Points in time (`...Ns`) are
// BigInt here and text of digits there, bytes are Buffers here and base64 there. Words such as `drop_oldest` are the same everywhere.

const { invalid } = require('./errors.js')

function snake(name) {
  if (name.includes('_')) throw invalid('options', `${JSON.stringify(name)} is not known; names are spelled like maxFailures`)
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase())

const BASE64 = '_base64'

function entryIn([name, value]) {
  if (ArrayBuffer.isView(value)) {
    return [snake(name) + BASE64, Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')]
  }
  return [snake(name), given(value)]
}

function given(value) {
  if (Array.isArray(value)) return value.map(given)
  if (typeof value === 'bigint') return String(value)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(entryIn))
}

function entryOut([name, value]) {
  if (name.endsWith(BASE64)) {
    return [camel(name.slice(0, -BASE64.length)), value === null ? null : Buffer.from(value, 'base64')]
  }
  if (name.endsWith('_ns') && typeof value === 'string') return [camel(name), BigInt(value)]
  return [camel(name), told(value)]
}

function told(value) {
  if (Array.isArray(value)) return value.map(told)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(entryOut))
}

// Text for the native half. What is undefined is left out; NaN and Infinity, which JSON has not, are refused there.
function pack(options) {
  return JSON.stringify(given(options ?? {}), (_name, value) => (Number.isFinite(value) || typeof value !== 'number' ? value : String(value)))
}

// What the native half answered. Numbers of nanoseconds become texts before they are parsed, which would round them; within texts of an
// answer the quotes are escaped, so that nothing there looks like a name.
function unpack(text) {
  return told(JSON.parse(text.replace(/"(\w+_ns)":(\d+)/g, '"$1":"$2"')))
}

module.exports = { pack, unpack }
