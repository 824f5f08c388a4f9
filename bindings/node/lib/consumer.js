'use strict'
// A consumer: takes jobs ahead, hands them out one by one, and acks all of them up to one. src/consumer.rs is the other half: the consumers of
// a queue stand in a row, and where only one may be active it is the first.

const argument = require('./argument.js')
const { RingmainError, invalid } = require('./errors.js')
const hot = require('./hot.js')
const { jobsFrom } = require('./job.js')
const { Poller } = require('./wait.js')

class Consumer {
  #shared
  #native
  #poller
  #isClosed = false

  constructor(hub, shared, options) {
    const { prefetch = 1 } = argument.options(options, ['prefetch'])
    this.#shared = shared
    this.#native = shared.native.consumer(argument.count(prefetch))
    this.#poller = new Poller(hub, { poll: (_count, port, token) => this.#job(this.#native.poll(port, token)) })
  }

  #job(gathered) {
    if (gathered === null || gathered.count === 0) return null
    return jobsFrom(this.#shared, hot.fetch(gathered.stash, gathered.bytes), 1)[0]
  }

  async receive(options) {
    return this.#poller.wait(1, options)
  }

  ackUpTo(job) {
    if (job?._queue?.name !== this.#shared.name) throw invalid('job', 'a Job of this consumer is needed')
    this.#native.ackUpTo(job._slot, job._generation)
    job._finish('acked')
    hot.drop(job._slot, job._generation)
  }

  receiveDeferred(id) {
    return this.#job(this.#native.receiveDeferred(argument.number('id', id)))
  }

  close() {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#native.close()
    this.#poller.refuse(new RingmainError('CLOSED', 'consumer is closed'))
  }

  async *jobs(options) {
    const { signal, unref } = argument.options(options, ['signal', 'unref'])
    try {
      for (;;) yield await this.receive({ signal, unref })
    } catch (error) {
      // A closed consumer or hub is the ordinary end of the loop.
      if (!(error instanceof RingmainError && error.code === 'CLOSED')) throw error
    }
  }

  [Symbol.asyncIterator]() {
    return this.jobs()
  }

  [Symbol.dispose]() {
    this.close()
  }

  async [Symbol.asyncDispose]() {
    this.close()
  }
}

module.exports = { Consumer }
