'use strict'
// The bytes that cross between JavaScript and Rust; the layout is described in src/codec.rs, the other half.

const { inspect } = require('node:util')
const argument = require('./argument.js')
const { invalid, tooLarge } = require('./errors.js')
const { limits } = require('./native.js')

const NO_KEY = 0xffff_ffff
const HAS_DELAY = 1
const HAS_EVENT_TIME_IN = 2
const HAS_TASK = 1 << 8
const DURABILITY_SHIFT = 9
const DURABILITIES = ['relaxed', 'written', 'synced']
const HAS_KEY = 1
const HAS_EVENT_TIME_OUT = 2
// Both ways: the key has no value any more.
const IS_TOMBSTONE = 1 << 16
const FIXED_IN_BYTES = 32
const TASK_BYTES = 56
const FIXED_OUT_BYTES = 52
const NONE = 0xffff_ffff
// The options of a message that only a queue knows what to do with.
const TASK_OPTIONS = [
  'priority', 'maxFailures', 'orderingKey', 'dedupKey', 'deliverAtNs', 'ttlMs', 'startWithinMs', 'completeWithinMs', 'completeByNs'
]

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

const given = (check, name, value) => (value === undefined ? undefined : check(name, value))

function whole32(name, value) {
  if (Number.isInteger(value) && value >= 0 && value < NONE) return value
  throw invalid(name, `${argument.shown(value)} is not a whole number`)
}

// What only a queue knows what to do with; undefined if there is nothing of it.
function taskOf(options) {
  const {
    priority, maxFailures, orderingKey, dedupKey, deliverAtNs, ttlMs, startWithinMs, completeWithinMs, completeByNs
  } = options
  const isNone = priority === undefined && maxFailures === undefined && orderingKey === undefined && dedupKey === undefined &&
    deliverAtNs === undefined && ttlMs === undefined && startWithinMs === undefined && completeWithinMs === undefined &&
    completeByNs === undefined
  if (isNone) return undefined
  return {
    priority: given(whole32, 'priority', priority),
    maxFailures: given(whole32, 'maxFailures', maxFailures),
    orderingKey: given(argument.bytes, 'orderingKey', orderingKey),
    dedupKey: given(argument.bytes, 'dedupKey', dedupKey),
    deliverAtNs: given(argument.timeNs, 'deliverAtNs', deliverAtNs),
    ttlMs: given(argument.number, 'ttlMs', ttlMs),
    startWithinMs: given(argument.number, 'startWithinMs', startWithinMs),
    completeWithinMs: given(argument.number, 'completeWithinMs', completeWithinMs),
    completeByNs: given(argument.timeNs, 'completeByNs', completeByNs)
  }
}

function durabilityOf(value) {
  const at = DURABILITIES.indexOf(value)
  if (at < 0) throw invalid('durability', `${argument.shown(value)} is none of ${DURABILITIES.join(', ')}`)
  return at + 1
}

const lengthOf = (bytes) => (bytes === undefined ? 0 : bytes.length)

// One message checked and measured, its bytes not yet copied.
function outgoing(value, options) {
  const { key, headers, delayMs, eventTimeNs, durability } = options
  const message = {
    value: argument.bytes('value', value),
    isTombstone: options.isTombstone === true,
    key: given(argument.bytes, 'key', key),
    headers: headerPairs(headers),
    delayMs: given(argument.number, 'delayMs', delayMs),
    eventTimeNs: given(argument.timeNs, 'eventTimeNs', eventTimeNs),
    durability: durability === undefined ? 0 : durabilityOf(durability),
    task: taskOf(options),
    bytes: 0
  }
  const { task } = message
  let content = message.value.length + lengthOf(message.key)
  if (task !== undefined) content += lengthOf(task.orderingKey) + lengthOf(task.dedupKey)
  for (const [name, bytes] of message.headers) content += name.length + bytes.length
  // Checked here too, so that what is far too large is refused before it is copied.
  if (content > limits.messageBytesMax) throw tooLarge('message', content, limits.messageBytesMax)
  message.bytes = FIXED_IN_BYTES + (task === undefined ? 0 : TASK_BYTES) + content + 8 * message.headers.length
  return message
}

function write(buffer, at, message) {
  const { value, key, headers, delayMs, eventTimeNs, durability, task, isTombstone } = message
  const flags = (delayMs === undefined ? 0 : HAS_DELAY) | (eventTimeNs === undefined ? 0 : HAS_EVENT_TIME_IN) |
    (task === undefined ? 0 : HAS_TASK) | durability << DURABILITY_SHIFT |
    (isTombstone ? IS_TOMBSTONE : 0)
  buffer.writeUInt32LE(value.length, at)
  buffer.writeUInt32LE(key === undefined ? NO_KEY : key.length, at + 4)
  buffer.writeUInt32LE(headers.length, at + 8)
  buffer.writeUInt32LE(flags, at + 12)
  // Where a flag is missing nobody reads.
  if (delayMs !== undefined) buffer.writeDoubleLE(delayMs, at + 16)
  if (eventTimeNs !== undefined) buffer.writeBigUInt64LE(eventTimeNs, at + 24)
  at += FIXED_IN_BYTES
  const put = (bytes) => {
    buffer.set(bytes, at)
    at += bytes.length
  }
  if (task !== undefined) {
    const { orderingKey, dedupKey } = task
    buffer.writeUInt32LE(task.priority ?? NONE, at)
    buffer.writeUInt32LE(task.maxFailures ?? NONE, at + 4)
    buffer.writeUInt32LE(orderingKey === undefined ? NO_KEY : orderingKey.length, at + 8)
    buffer.writeUInt32LE(dedupKey === undefined ? NO_KEY : dedupKey.length, at + 12)
    buffer.writeBigUInt64LE(task.deliverAtNs ?? 0n, at + 16)
    buffer.writeDoubleLE(task.ttlMs ?? NaN, at + 24)
    buffer.writeDoubleLE(task.startWithinMs ?? NaN, at + 32)
    buffer.writeDoubleLE(task.completeWithinMs ?? NaN, at + 40)
    buffer.writeBigUInt64LE(task.completeByNs ?? 0n, at + 48)
    at += TASK_BYTES
    if (orderingKey !== undefined) put(orderingKey)
    if (dedupKey !== undefined) put(dedupKey)
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
function packed(message) {
  const buffer = Buffer.allocUnsafe(message.bytes)
  write(buffer, 0, message)
  return buffer
}

const pack = (value, options) => packed(outgoing(value, options))

function iterable(messages) {
  if (messages === null || typeof messages?.[Symbol.iterator] !== 'function' || typeof messages === 'string') {
    throw invalid('messages', `an array or other iterable is needed, not ${argument.shown(messages)}`)
  }
}

// Messages for one batch, packed, and how many they are. Each is a value, or an object of a value and the options of one message.
function packCounted(messages, known) {
  iterable(messages)
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
  return { packed: buffer, count: batch.length }
}

const isBare = (given) =>
  typeof given !== 'object' || given === null || ArrayBuffer.isView(given) ||
  given instanceof ArrayBuffer || given instanceof SharedArrayBuffer

// What a message that came out of Ringmain has, whatever it came from. Read when asked for. Its fields are plain ones, for speed: private fields cost several times the rest of making one. They are nobody's but this folder's.
class Received {
  constructor(packed, at, alone) {
    this._packed = packed
    this._at = at
    this._alone = alone
    this._value = undefined
  }

  // Packed, with all that belongs to it.
  get _size() {
    return this._packed.readUInt32LE(this._at)
  }

  get _flags() {
    return this._packed.readUInt32LE(this._at + 4)
  }

  get _number() {
    return this._packed.readDoubleLE(this._at + 8)
  }

  get _first() {
    return this._packed.readUInt32LE(this._at + 32)
  }

  get _second() {
    return this._packed.readUInt32LE(this._at + 36)
  }

  _bytes(kind) {
    const fixed = this._at + FIXED_OUT_BYTES
    const key = this._packed.readUInt32LE(this._at + 40)
    const headers = this._packed.readUInt32LE(this._at + 44)
    const value = this._packed.readUInt32LE(this._at + 48)
    if (kind === 'key') return this._packed.subarray(fixed, fixed + key)
    if (kind === 'headers') return this._packed.subarray(fixed + key, fixed + key + headers)
    return this._packed.subarray(fixed + key + headers, fixed + key + headers + value)
  }

  get value() {
    // Alone, the value may as well share the packed bytes; in a batch it would keep all the others alive.
    this._value ??= this._alone ? this._bytes('value') : this._copied()
    return this._value
  }

  get _start() {
    const at = this._at
    return at + FIXED_OUT_BYTES + this._packed.readUInt32LE(at + 40) + this._packed.readUInt32LE(at + 44)
  }

  _copied() {
    const bytes = this._packed.readUInt32LE(this._at + 48)
    const value = Buffer.allocUnsafe(bytes)
    this._packed.copy(value, 0, this._start, this._start + bytes)
    return value
  }

  text() {
    const start = this._start
    return this._packed.toString('utf8', start, start + this._packed.readUInt32LE(this._at + 48))
  }

  json() {
    return JSON.parse(this.text())
  }

  get key() {
    const has = this._packed.readUInt32LE(this._at + 4) & HAS_KEY
    return has ? Buffer.from(this._bytes('key')) : null
  }

  get headers() {
    const packed = this._bytes('headers')
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
    return this._packed.readBigUInt64LE(this._at + 16)
  }

  get eventTimeNs() {
    const has = this._packed.readUInt32LE(this._at + 4) & HAS_EVENT_TIME_OUT
    return has ? this._packed.readBigUInt64LE(this._at + 24) : null
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

module.exports = {
  FIXED_OUT_BYTES, Received, TASK_OPTIONS, headerPairs, isBare, outgoing, pack, packCounted, packed, unpack, write
}
