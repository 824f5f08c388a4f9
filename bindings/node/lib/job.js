'use strict'
// Messages of a queue: leased (Job) or only looked at (Peeked).

const argument = require('./argument.js')
const { Received, unpack } = require('./codec.js')
const { RingmainError, invalid } = require('./errors.js')

// The numbers of the verbs in src/deliveries.rs.
const ACK = 0
const FAIL = 1
const RELEASE = 2
const REJECT = 3
const EXTEND = 4

const DELAY_OPTIONS = ['delayMs']

function delayOf(options) {
  const { delayMs } = argument.options(options, DELAY_OPTIONS)
  return delayMs === undefined ? undefined : argument.number('delayMs', delayMs)
}

class Peeked extends Received {
  get id() {
    return this._number
  }

  get attempts() {
    return this._first
  }

  get failures() {
    return this._second
  }
}

class Job extends Peeked {
  #batch
  #index

  constructor(packed, at, alone, batch, index) {
    super(packed, at, alone)
    this.#batch = batch
    this.#index = index
  }

  // The native batch and the place in it, for verbs on many jobs.
  static _place(job) {
    if (typeof job !== 'object' || job === null || !(#batch in job)) throw invalid('jobs', 'each must be a Job')
    return [job.#batch, job.#index]
  }

  ack() {
    this.#batch.settle(this.#index, ACK)
  }

  fail(reason, options) {
    this.#batch.settle(this.#index, FAIL, argument.reason(reason), delayOf(options))
  }

  release(options) {
    this.#batch.settle(this.#index, RELEASE, undefined, delayOf(options))
  }

  reject(reason) {
    this.#batch.settle(this.#index, REJECT, argument.reason(reason))
  }

  extend(ms) {
    this.#batch.settle(this.#index, EXTEND, undefined, argument.number('ms', ms))
  }

  async ackAsync() {
    return this.#batch.settleAsync(this.#index, ACK)
  }

  async failAsync(reason, options) {
    return this.#batch.settleAsync(this.#index, FAIL, argument.reason(reason), delayOf(options))
  }

  async releaseAsync(options) {
    return this.#batch.settleAsync(this.#index, RELEASE, undefined, delayOf(options))
  }

  async rejectAsync(reason) {
    return this.#batch.settleAsync(this.#index, REJECT, argument.reason(reason))
  }

  async extendAsync(ms) {
    return this.#batch.settleAsync(this.#index, EXTEND, undefined, argument.number('ms', ms))
  }

  [Symbol.dispose]() {
    try {
      this.release()
    } catch (error) {
      // Settled already, or its hub is closed, which has released it.
      if (!(error instanceof RingmainError) || !['LEASE_LOST', 'CLOSED'].includes(error.code)) throw error
    }
  }
}

// The jobs of a native batch; none of null.
function jobsOf(batch) {
  if (batch === null) return []
  const packed = batch.packed()
  return unpack(packed, (at, index, alone) => new Job(packed, at, alone, batch, index))
}

const peekedOf = (packed) => unpack(packed, (at, _index, alone) => new Peeked(packed, at, alone))

module.exports = { Job, Peeked, jobsOf, peekedOf }
