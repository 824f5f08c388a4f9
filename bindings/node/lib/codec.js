'use strict'
// The bytes that cross between JavaScript and Rust; the layout is described in src/codec.rs, the other half.

const { inspect } = require('node:util')
const argument = require('./argument.js')
const { invalid, tooLarge } = require('./errors.js')
const { limits } = require('./native.js')

const NO_KEY = 0xffff_ffff
const HAS_DELAY = 1
const HAS_EVENT_TIME_IN = 2
const HAS_KEY = 1
const HAS_EVENT_TIME_OUT = 2
// Both ways: the key has no value any more.
const IS_TOMBSTONE = 1 << 16
const FIXED_IN_BYTES = 32
const FIXED_OUT_BYTES = 52

const NO_HEADERS = []

function headerPairs(headers) {
  if (headers === undefined) return NO_HEADERS
  if (headers === null || typeof headers !== 'object') {
    throw invalid('headers', `an object, a Map or pairs are needed, not ${argument.shown(headers)}`)
  }
  const pairs = typeof headers[Symbol.iterator] === 'function' ? headers : Object.entries(headers)
  return Array.from(pairs, (pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw invalid('headers', 'each must be a pair of name and value')
    const [name, value] = pair
    return [argument.bytes('header name', argument.text('header name', name)), argument.bytes(`header ${name}`, value)]
  })
}

// One message checked and measured, its bytes not yet copied.
function outgoing(value, { key, headers, delayMs, eventTimeNs, isTombstone = false }) {
  const message = {
    value: argument.bytes('value', value),
    isTombstone,
    key: key === undefined ? undefined : argument.bytes('key', key),
    headers: headerPairs(headers),
    delayMs: delayMs === undefined ? undefined : argument.number('delayMs', delayMs),
    eventTimeNs: eventTimeNs === undefined ? undefined : argument.timeNs('eventTimeNs', eventTimeNs),
    bytes: 0
  }
  const parts = [message.value, message.key ?? '', ...message.headers.flat()]
  const content = parts.reduce((sum, part) => sum + part.length, 0)
  // Checked here too, so that what is far too large is refused before it is copied.
  if (content > limits.messageBytesMax) throw tooLarge('message', content, limits.messageBytesMax)
  message.bytes = FIXED_IN_BYTES + content + 8 * message.headers.length
  return message
}

function write(buffer, at, message) {
  const { value, key, headers, delayMs, eventTimeNs, isTombstone } = message
  const flags = (delayMs === undefined ? 0 : HAS_DELAY) | (eventTimeNs === undefined ? 0 : HAS_EVENT_TIME_IN) |
    (isTombstone ? IS_TOMBSTONE : 0)
  buffer.writeUInt32LE(value.length, at)
  buffer.writeUInt32LE(key === undefined ? NO_KEY : key.length, at + 4)
  buffer.writeUInt32LE(headers.length, at + 8)
  buffer.writeUInt32LE(flags, at + 12)
  buffer.writeDoubleLE(delayMs ?? 0, at + 16)
  buffer.writeBigUInt64LE(eventTimeNs ?? 0n, at + 24)
  at += FIXED_IN_BYTES
  const put = (bytes) => {
    buffer.set(bytes, at)
    at += bytes.length
  }
  if (key !== undefined) put(key)
  for (const [name, content] of headers) {
    buffer.writeUInt32LE(name.length, at)
    buffer.writeUInt32LE(content.length, at + 4)
    at += 8
    put(name)
    put(content)
  }
  put(value)
}

// A message of its own, packed.
function pack(value, options) {
  const message = outgoing(value, options)
  const buffer = Buffer.allocUnsafe(message.bytes)
  write(buffer, 0, message)
  return buffer
}

// Messages for one batch, packed. Each is a value, or an object of a value and the options of one message.
function packMany(messages, known) {
  if (messages === null || typeof messages?.[Symbol.iterator] !== 'function' || typeof messages === 'string') {
    throw invalid('messages', `an array or other iterable is needed, not ${argument.shown(messages)}`)
  }
  const batch = []
  let bytes = 0
  for (const given of messages) {
    const message = isBare(given) ? outgoing(given, {}) : outgoing(given?.value, argument.options(given, known))
    batch.push(message)
    bytes += message.bytes
    if (bytes > limits.batchBytesMax) throw tooLarge('batch', bytes, limits.batchBytesMax)
    if (batch.length > limits.batchRecordsMax) {
      throw invalid('messages', `more than ${limits.batchRecordsMax} messages; send them in several batches`)
    }
  }
  const buffer = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const message of batch) {
    write(buffer, at, message)
    at += message.bytes
  }
  return buffer
}

const isBare = (given) =>
  typeof given !== 'object' || given === null || ArrayBuffer.isView(given) ||
  given instanceof ArrayBuffer || given instanceof SharedArrayBuffer

// What a message that came out of Ringmain has, whatever it came from. Fields are read when asked for.
class Received {
  #packed
  #at
  #alone
  #value

  constructor(packed, at, alone) {
    this.#packed = packed
    this.#at = at
    this.#alone = alone
  }

  // Packed, with all that belongs to it.
  get _bytes() {
    return this.#packed.readUInt32LE(this.#at)
  }

  get _flags() {
    return this.#packed.readUInt32LE(this.#at + 4)
  }

  get _number() {
    return this.#packed.readDoubleLE(this.#at + 8)
  }

  get _first() {
    return this.#packed.readUInt32LE(this.#at + 32)
  }

  get _second() {
    return this.#packed.readUInt32LE(this.#at + 36)
  }

  #bytes(kind) {
    const fixed = this.#at + FIXED_OUT_BYTES
    const key = this.#packed.readUInt32LE(this.#at + 40)
    const headers = this.#packed.readUInt32LE(this.#at + 44)
    const value = this.#packed.readUInt32LE(this.#at + 48)
    if (kind === 'key') return this.#packed.subarray(fixed, fixed + key)
    if (kind === 'headers') return this.#packed.subarray(fixed + key, fixed + key + headers)
    return this.#packed.subarray(fixed + key + headers, fixed + key + headers + value)
  }

  get value() {
    // Alone, the value may as well share the packed bytes; in a batch it would keep all the others alive.
    this.#value ??= this.#alone ? this.#bytes('value') : Buffer.from(this.#bytes('value'))
    return this.#value
  }

  text() {
    return this.#bytes('value').toString('utf8')
  }

  json() {
    return JSON.parse(this.text())
  }

  get key() {
    const has = this.#packed.readUInt32LE(this.#at + 4) & HAS_KEY
    return has ? Buffer.from(this.#bytes('key')) : null
  }

  get headers() {
    const packed = this.#bytes('headers')
    const headers = []
    for (let at = 0; at < packed.length;) {
      const nameEnd = at + 8 + packed.readUInt32LE(at)
      const valueEnd = nameEnd + packed.readUInt32LE(at + 4)
      headers.push([packed.toString('utf8', at + 8, nameEnd), Buffer.from(packed.subarray(nameEnd, valueEnd))])
      at = valueEnd
    }
    return headers
  }

  header(name) {
    return this.headers.find(([known]) => known === name)?.[1] ?? null
  }

  [inspect.custom](_depth, options) {
    const shown = {}
    for (let proto = Object.getPrototypeOf(this); proto !== Object.prototype; proto = Object.getPrototypeOf(proto)) {
      for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
        if (get && !name.startsWith('_')) shown[name] = this[name]
      }
    }
    return `${this.constructor.name} ${inspect(shown, options)}`
  }

  get timeNs() {
    return this.#packed.readBigUInt64LE(this.#at + 16)
  }

  get eventTimeNs() {
    const has = this.#packed.readUInt32LE(this.#at + 4) & HAS_EVENT_TIME_OUT
    return has ? this.#packed.readBigUInt64LE(this.#at + 24) : null
  }
}

// Calls make(at, index, alone) for each packed message; what it makes, in order.
function unpack(packed, make) {
  const messages = []
  for (let at = 0; at < packed.length;) {
    const next = at + packed.readUInt32LE(at)
    messages.push(make(at, messages.length, at === 0 && next === packed.length))
    at = next
  }
  return messages
}

module.exports = { Received, pack, packMany, unpack }
