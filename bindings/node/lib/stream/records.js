'use strict'
// Records, and the memory that the native half writes them into.

const codec = require('../codec.js')

const IS_TOMBSTONE = 1 << 16
// What `src/reads.rs` returns beside a number of bytes.
const WAITING = 0
const OVER = -1
const AGAIN = -2
const FULL = -3
// Records of small polls share a block; what does not fit has one of its own.
const BLOCK_BYTES = 64 * 1024
const BLOCK_BYTES_LEFT_MIN = 4 * 1024

class Record extends codec.Received {
  get partition() {
    return this._first
  }

  get offset() {
    return this._number
  }

  get isTombstone() {
    return (this._flags & IS_TOMBSTONE) !== 0
  }

  // From where on it is done with this one.
  get _doneFrom() {
    return this._number - this._second
  }
}

const NONE = Object.freeze([])
let block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
let blockAt = 0

// What a native verb that writes records into memory says: records, or one of these numbers.
function read(native, verb) {
  const at = blockAt
  const bytes = verb(block, at)
  if (bytes > 0) {
    const records = recordsOf(block, at, at + bytes, false)
    blockAt += bytes
    if (BLOCK_BYTES - blockAt < BLOCK_BYTES_LEFT_MIN) [block, blockAt] = [Buffer.allocUnsafeSlow(BLOCK_BYTES), 0]
    return records
  }
  if (bytes >= FULL) return bytes
  const own = Buffer.allocUnsafeSlow(-bytes)
  native.take(own)
  return recordsOf(own, 0, own.length, true)
}

// The records packed between two places of a buffer, which is nobody else's if `isOwn`.
function recordsOf(packed, at, end, isOwn) {
  const records = []
  while (at < end) {
    const next = at + packed.readUInt32LE(at)
    records.push(new Record(packed, at, isOwn && at === 0 && next === end))
    at = next
  }
  return records
}

module.exports = { AGAIN, FULL, NONE, OVER, Record, WAITING, read, recordsOf }
