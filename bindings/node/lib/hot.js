'use strict'
// The verbs that are called for each message. The other half is src/hot: arguments are written into registers, a function
// that takes none is called, and the answers are read from the registers; messages come out in a pool of ours.
//
// Only this file has the control block and the pools. Nothing hands them out: a view of them that was detached would leave
// the native half with memory that is no longer there.

const addon = require('./addon.js')
const codec = require('./codec.js')
const { translate } = require('./errors.js')

// Each in a constant of its own: V8 then calls it directly.
const room = addon.openRoom()
const {
  send: nativeSend, sendPacked: nativeSendPacked, receive: nativeReceive, receivePacked: nativeReceivePacked, poll: nativePoll,
  append: nativeAppend, ack: nativeAck, settleMany: nativeSettleMany, settlePacked: nativeSettlePacked
} = room
const u32 = new Uint32Array(room.control)
const f64 = new Float64Array(room.control)

// Registers, as in src/hot/room.rs.
const QUEUE = 0
const COUNT = 1
const SLOT = 2
const GENERATION = 3
const AT = 4
const BYTES = 5
const FLIGHT = 6
const VERB = 7
const CLASS_BYTES = 8
const TOKEN = 9
const STASH = 10
const STREAM = 11
const PARTITION = 12
const PACKED = 13
const SOURCE = 14
const NUMBER = 8
const MS = 9

const WINDOW_AT = 128
const window = Buffer.from(room.control, WINDOW_AT)
const WINDOW_BYTES = window.length

// Messages come out in blocks of this size; one that is longer than a part of it gets a block of its own.
const POOL_BYTES = 256 << 10
const OWN_BYTES = 16 << 10

// Messages begin at multiples of 8 bytes, so that their numbers can be read as words.
function blockOf(bytes) {
  const made = Buffer.allocUnsafeSlow(bytes)
  made.words = new Uint32Array(made.buffer, 0, bytes >>> 2)
  return made
}

let pool = null
let at = 0

function freshPool() {
  pool = blockOf(POOL_BYTES)
  room.setPool(pool.buffer)
  at = 0
}
freshPool()

// Where messages lie: the block, and the place of the first.
let block = pool

// What the last call received: how many; they lie in `received.block` from the place that is returned by `start` on.
function collect() {
  const bytes = u32[BYTES]
  if (bytes === 0) {
    block = pool
    const start = at
    at = u32[AT]
    return start
  }
  return fetch(u32[STASH], bytes)
}

function fetch(stash, bytes) {
  const start = bytes > OWN_BYTES ? 0 : (freshPool(), at)
  if (bytes > OWN_BYTES) {
    block = blockOf(bytes)
  } else {
    block = pool
    at += bytes
  }
  u32[STASH] = stash
  call(room.fetch, block.subarray(start, start + bytes))
  return start
}

function call(verb, ...blocks) {
  try {
    verb(...blocks)
  } catch (error) {
    throw translate(error)
  }
}

// No more than this many characters are sure to fit into the window.
const TEXT_LENGTH_MAX = Math.floor(WINDOW_BYTES / 3)

// Puts a value into the window, for `send` and `append`; false if it is neither bytes nor text, or too long.
function put(value) {
  u32[PACKED] = 0
  if (typeof value === 'string') {
    if (value.length > TEXT_LENGTH_MAX) return false
    u32[COUNT] = window.utf8Write(value, 0, WINDOW_BYTES)
    return true
  }
  if (!(value instanceof Uint8Array) || value.length > WINDOW_BYTES) return false
  window.set(value)
  u32[COUNT] = value.length
  return true
}

// Sends what was put; its id.
function send(queue) {
  u32[QUEUE] = queue
  try {
    nativeSend()
  } catch (error) {
    throw translate(error)
  }
  return f64[NUMBER]
}

// The same of a message that was checked; false if it is too long.
function putMessage(message) {
  if (message.bytes > WINDOW_BYTES) return false
  codec.write(window, 0, message)
  u32[COUNT] = message.bytes
  u32[PACKED] = 1
  return true
}

function sendMessage(queue, message) {
  if (putMessage(message)) return send(queue)
  u32[QUEUE] = queue
  call(room.sendMessage, codec.packed(message))
  return f64[NUMBER]
}

function sendMany(queue, packed, count) {
  const ids = new Float64Array(count)
  u32[QUEUE] = queue
  call(room.sendMany, packed, ids)
  return ids
}

function sendPacked(queue, values, offsets, count, ids) {
  u32[QUEUE] = queue
  u32[COUNT] = count
  try {
    nativeSendPacked(values, offsets, ids)
  } catch (error) {
    throw translate(error)
  }
  return ids
}

// No partition in particular.
const ANY = 0xffff_ffff

// Appends what was put, to a partition or to `ANY`; its position.
function append(stream, partition) {
  u32[STREAM] = stream
  u32[PARTITION] = partition
  try {
    nativeAppend()
  } catch (error) {
    throw translate(error)
  }
  return { partition: u32[PARTITION], offset: f64[NUMBER] }
}

function appendMessage(stream, partition, message) {
  if (putMessage(message)) return append(stream, partition)
  u32[STREAM] = stream
  u32[PARTITION] = partition
  call(room.appendMessage, codec.packed(message))
  return { partition: u32[PARTITION], offset: f64[NUMBER] }
}

// Appends many packed messages; their positions.
function appendMany(stream, partition, packed, count) {
  const numbers = new Float64Array(2 * count)
  u32[STREAM] = stream
  u32[PARTITION] = partition
  call(room.appendMany, packed, numbers)
  const positions = new Array(count)
  for (let index = 0; index < count; index++) positions[index] = { partition: numbers[2 * index], offset: numbers[2 * index + 1] }
  return positions
}

// Begins to send; the number of the flight, or -1 if it has landed already.
function sendSoon(queue, token, packed, ids) {
  u32[QUEUE] = queue
  u32[TOKEN] = token
  call(room.sendSoon, packed, ids)
  return u32[COUNT] === 1 ? -1 : u32[FLIGHT]
}

// Whether a flight has landed; then its number is no longer its own.
function land(flight, token, ids) {
  u32[FLIGHT] = flight
  u32[TOKEN] = token
  call(room.land, ids)
  return u32[COUNT] === 1
}

// Receives up to `count`; how many there are. `start` says where they begin.
function receive(queue, count, waitMs) {
  u32[QUEUE] = queue
  u32[COUNT] = count
  u32[AT] = at
  f64[MS] = waitMs
  try {
    nativeReceive()
  } catch (error) {
    throw translate(error)
  }
  return u32[COUNT]
}

// The same without waiting; if there are none, the port is called with the token when there may be.
function poll(queue, count, token) {
  u32[QUEUE] = queue
  u32[COUNT] = count
  u32[AT] = at
  u32[TOKEN] = token
  call(nativePoll)
  return u32[COUNT]
}

// Reads up to `count` records of a reader or member into a block; what src/reads.rs says of it.
function read(source, block, from, count, waitMs) {
  u32[SOURCE] = source
  u32[AT] = from
  u32[COUNT] = count
  f64[MS] = waitMs
  call(room.read, block)
  return f64[NUMBER]
}

// The same without waiting; if there are none, the port is called with the token when there may be.
function pollSource(source, block, from, { count, bytesMax = NaN, isFirst = true }, token) {
  u32[SOURCE] = source
  u32[AT] = from
  u32[COUNT] = count
  u32[TOKEN] = token
  u32[VERB] = isFirst ? 1 : 0
  f64[NUMBER] = bytesMax
  call(room.pollSource, block)
  return f64[NUMBER]
}

// The block that `collect` or `fetch` found messages in.
const foundIn = () => block

const slotOf = () => u32[SLOT]
const generationOf = () => u32[GENERATION]

// Values one after the other into the caller's memory; how many.
function receivePacked(queue, count, values, offsets) {
  u32[QUEUE] = queue
  u32[COUNT] = count
  call(nativeReceivePacked, values, offsets)
  return u32[COUNT]
}

function ack(queue, slot, generation) {
  u32[QUEUE] = queue
  u32[SLOT] = slot
  u32[GENERATION] = generation
  try {
    nativeAck()
  } catch (error) {
    throw translate(error)
  }
}

// The text of a verb, and its class, into the window.
function say(queue, verb, text, className, ms) {
  u32[QUEUE] = queue
  u32[VERB] = verb
  u32[CLASS_BYTES] = 0
  f64[MS] = ms ?? NaN
  let bytes = 0
  if (className !== undefined) {
    bytes = window.utf8Write(className, 0, 1024)
    u32[CLASS_BYTES] = bytes + 1
  }
  // The core keeps no more of a reason than fits here in any case.
  if (typeof text === 'string') bytes += window.utf8Write(text, bytes, WINDOW_BYTES - bytes)
  else if (text !== undefined) {
    window.set(text, bytes)
    bytes += text.length
  }
  u32[COUNT] = bytes
}

function settle(queue, slot, generation, verb, text, className, ms) {
  say(queue, verb, text, className, ms)
  u32[SLOT] = slot
  u32[GENERATION] = generation
  call(room.settle)
}

// Settles many: slot and generation of each; how many could not be.
function settleMany(queue, places, verb, text) {
  say(queue, verb, text)
  call(nativeSettleMany, places)
  return u32[COUNT]
}

function settlePacked(queue, slot, generation, from, to, verb, text) {
  say(queue, verb, text)
  u32[SLOT] = slot
  u32[GENERATION] = generation
  u32[AT] = from
  u32[BYTES] = to
  call(nativeSettlePacked)
  return u32[COUNT]
}

function drop(slot, generation) {
  u32[SLOT] = slot
  u32[GENERATION] = generation
  call(room.drop)
}

function isCancelled(slot, generation) {
  u32[SLOT] = slot
  u32[GENERATION] = generation
  call(room.isCancelled)
  return u32[COUNT] === 1
}

module.exports = {
  ANY, ack, append, appendMany, appendMessage, collect, drop, fetch, foundIn, generationOf, isCancelled, land, poll, pollSource, put, read,
  receive, receivePacked, send, sendMany, sendMessage, sendPacked, sendSoon, settle, settleMany, settlePacked, slotOf
}
