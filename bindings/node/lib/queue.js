'use strict'
// A task queue.

const argument = require('./argument.js')
const codec = require('./codec.js')
const { RingmainError, invalid } = require('./errors.js')
const { Job, jobsOf, peekedOf } = require('./job.js')
const { Poller, block } = require('./wait.js')

const QUEUE_OPTIONS = ['leaseMs', 'maxFailures', 'deadLetter', 'onExhausted', 'retry']
const RETRY_OPTIONS = ['baseMs', 'factor', 'capMs', 'jitter']
const SEND_OPTIONS = ['key', 'headers', 'delayMs', 'eventTimeNs']
const SEND_MANY_OPTIONS = ['value', ...SEND_OPTIONS]
const JOBS_OPTIONS = ['signal', 'unref', 'prefetch']

class Queue {
  #name
  #native
  #poller

  constructor(hub, native, name) {
    this.#name = name
    this.#native = native
    this.#poller = new Poller(hub, native)
  }

  #jobs(received) {
    return jobsOf(this.#native, this.#name, received)
  }

  get name() {
    return this.#name
  }

  send(value, options) {
    return this.#native.send(codec.pack(value, argument.options(options, SEND_OPTIONS)))
  }

  async sendAsync(value, options) {
    return this.#native.sendAsync(codec.pack(value, argument.options(options, SEND_OPTIONS)))
  }

  sendMany(messages) {
    return this.#native.sendMany(codec.packMany(messages, SEND_MANY_OPTIONS))
  }

  async sendManyAsync(messages) {
    return this.#native.sendManyAsync(codec.packMany(messages, SEND_MANY_OPTIONS))
  }

  tryReceive() {
    return this.tryReceiveMany(1)[0] ?? null
  }

  tryReceiveMany(count) {
    return this.#jobs(this.#native.receive(argument.count(count), 0))
  }

  async receive(options) {
    return this.#jobs(await this.#poller.wait(1, options))[0] ?? null
  }

  async receiveMany(count, options) {
    return this.#jobs(await this.#poller.wait(argument.count(count), options))
  }

  receiveSync(timeoutMs = Infinity) {
    return this.receiveManySync(1, timeoutMs)[0] ?? null
  }

  receiveManySync(count, timeoutMs = Infinity) {
    argument.count(count)
    return this.#jobs(block(timeoutMs, (sliceMs) => this.#native.receive(count, sliceMs)))
  }

  ackMany(jobs) {
    if (!Array.isArray(jobs)) throw invalid('jobs', `an array is needed, not ${argument.shown(jobs)}`)
    return Job._ackMany(this.#native, this.#name, jobs)
  }

  peek(count = 1, fromId = 0) {
    return peekedOf(this.#native.peek(argument.number('fromId', fromId), argument.count(count)))
  }

  stats() {
    return this.#native.stats()
  }

  async *jobs(options) {
    const { prefetch = 1, signal, unref } = argument.options(options, JOBS_OPTIONS)
    let jobs = []
    try {
      for (;;) {
        if (jobs.length === 0) jobs = await this.receiveMany(prefetch, { signal, unref })
        yield jobs.shift()
      }
    } catch (error) {
      // A closed hub is the ordinary end of the loop.
      if (!(error instanceof RingmainError && error.code === 'CLOSED')) throw error
    } finally {
      // Received ahead and never handed out.
      for (const job of jobs) job[Symbol.dispose]()
    }
  }

  [Symbol.asyncIterator]() {
    return this.jobs()
  }
}

// The options of a queue as the native half takes them.
function queueOptions(given) {
  const options = argument.options(given, QUEUE_OPTIONS)
  if (options.retry !== undefined) argument.options(options.retry, RETRY_OPTIONS)
  return options
}

module.exports = { Queue, queueOptions }
