'use strict'
// A compacted stream as a table: the last record of each key.

const argument = require('../argument.js')
const { recordsOf } = require('./records.js')

// Records read at a time by a walk.
const WALK_COUNT = 256

const packed = (buffer) => (buffer === null ? [] : recordsOf(buffer, 0, buffer.length, true))

class Table {
  #native

  constructor(native) {
    this.#native = native
  }

  get(key) {
    return packed(this.#native.get(argument.bytes('key', key)))[0] ?? null
  }

  has(key) {
    return this.#native.has(argument.bytes('key', key))
  }

  get size() {
    return this.#native.size()
  }

  *values() {
    const walk = this.#native.walk()
    for (let records = packed(walk.next(WALK_COUNT)); records.length > 0; records = packed(walk.next(WALK_COUNT))) {
      yield* records
    }
  }

  *keys() {
    for (const record of this.values()) yield record.key
  }

  *entries() {
    for (const record of this.values()) yield [record.key, record]
  }

  [Symbol.iterator]() {
    return this.entries()
  }
}

module.exports = { Table }
