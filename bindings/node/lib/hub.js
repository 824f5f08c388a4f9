'use strict'
// The hub: where queues and streams live.

const { fileURLToPath } = require('node:url')
const argument = require('./argument.js')
const { openHub } = require('./native.js')
const { Queue, queueOptions } = require('./queue.js')
const { Stream, streamOptions } = require('./stream/index.js')
const { refuseAll } = require('./wait.js')

const CLOSE_TIMEOUT_MS = 5_000

class Hub {
  #native
  #closed = false

  constructor(path, durability) {
    this.#native = openHub(path, durability)
  }

  get closed() {
    return this.#closed
  }

  queue(name, options) {
    argument.text('name', name)
    return new Queue(this, this.#native.queue(name, queueOptions(options)), name)
  }

  stream(name, options) {
    argument.text('name', name)
    return new Stream(this, this.#native.stream(name, streamOptions(options)), name)
  }

  async streamAsync(name, options) {
    argument.text('name', name)
    return new Stream(this, await this.#native.streamAsync(name, streamOptions(options)), name)
  }

  queues() {
    return this.#native.queues()
  }

  streams() {
    return this.#native.streams()
  }

  flush() {
    this.#native.flush()
  }

  async flushAsync() {
    return this.#native.flushAsync()
  }

  stats() {
    const { queues, streams } = this.#native.stats()
    return {
      queues: Object.fromEntries(queues.map(({ name, counts }) => [name, counts])),
      streams: Object.fromEntries(streams.map(({ name, partitions }) => [name, { partitions }]))
    }
  }

  async close(options) {
    const { timeoutMs = CLOSE_TIMEOUT_MS } = argument.options(options, ['timeoutMs'])
    const closing = this.#native.closeAsync(argument.number('timeoutMs', timeoutMs))
    this.#shut()
    return closing
  }

  #shut() {
    this.#closed = true
    refuseAll(this)
  }

  async [Symbol.asyncDispose]() {
    if (!this.#closed) await this.close()
  }

  [Symbol.dispose]() {
    if (this.#closed) return
    this.#native.close(CLOSE_TIMEOUT_MS)
    this.#shut()
  }
}

function open(path, options) {
  const { durability } = argument.options(options, ['durability'])
  if (durability !== undefined) argument.text('durability', durability)
  const text = path instanceof URL ? fileURLToPath(path) : path
  if (text !== undefined) argument.text('path', text)
  return new Hub(text, durability)
}

module.exports = { Hub, open }
