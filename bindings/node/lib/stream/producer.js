'use strict'
// Producers by name, whose retries append nothing twice.

const argument = require('../argument.js')
const { packMany } = require('./append.js')
const { Line, Receipt } = require('../receipt.js')

class Producer {
  #name
  #native
  #line = new Line()

  constructor(native, name) {
    this.#native = native
    this.#name = name
  }

  get name() {
    return this.#name
  }

  get epoch() {
    return this.#native.epoch()
  }

  nextSequence() {
    return this.#native.nextSequence()
  }

  append(sequence, messages) {
    return accepted(this.#native.append(argument.number('sequence', sequence), packMany(messages)))
  }

  async appendAsync(sequence, messages) {
    return this.submit(sequence, messages).wait()
  }

  submit(sequence, messages) {
    const native = this.#native.submit(argument.number('sequence', sequence), packMany(messages), this.#line.native)
    return new Receipt(this.#line, accepted(native), native.isReached)
  }
}

// What became of the messages of one append.
function accepted({ duplicate, positions: numbers }) {
  const positions = []
  for (let at = 0; at < numbers.length; at += 2) {
    positions.push(numbers[at] < 0 ? null : { partition: numbers[at], offset: numbers[at + 1] })
  }
  return { duplicate, positions }
}

module.exports = { Producer }
