'use strict'
// Gathering records into batches.

const argument = require('../argument.js')
const { Line } = require('../receipt.js')
const { pack } = require('./append.js')
const { ignoreClosed } = require('./source.js')

const BATCHER_OPTIONS = ['lingerMs', 'maxBatchBytes', 'maxBatchMessages']

class Batcher {
  #native
  #line = new Line()

  constructor(native) {
    this.#native = native
  }

  async send(value, options) {
    this.#native.send(pack(value, options), this.#line.native)
    return this.#line.add(undefined, false).promise()
  }

  flush() {
    this.#native.flush()
    this.#line.wake()
  }

  async flushAsync() {
    return this.#native.flushAsync()
  }

  close() {
    this.#native.close()
    this.#line.wake()
  }

  [Symbol.dispose]() {
    ignoreClosed(() => this.close())
  }

  async [Symbol.asyncDispose]() {
    this[Symbol.dispose]()
  }
}

// A batcher of a stream, with options checked.
function openBatcher(stream, given) {
  const options = argument.options(given, BATCHER_OPTIONS)
  for (const name of BATCHER_OPTIONS) if (options[name] !== undefined) argument.number(name, options[name])
  return new Batcher(stream.batcher(options))
}

module.exports = { Batcher, openBatcher }
