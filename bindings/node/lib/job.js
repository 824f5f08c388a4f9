'use strict'
// Messages of a queue: leased (Job) or only looked at (Peeked).

const argument = require('./argument.js')
const { Received, unpack } = require('./codec.js')
const { RingmainError, invalid } = require('./errors.js')

// The numbers of the verbs in src/queue.rs.
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

// Jobs received together, as the native half knows them: by the number of the batch.
class Batch {
  #native
  #number
  #left

  constructor(native, number, count) {
    this.#native = native
    this.#number = number
    this.#left = count
    collected.register(this, { native, number }, this)
  }

  get number() {
    return this.#number
  }

  settle(...args) {
    this.#native.settle(this.#number, ...args)
  }

  settleAsync(...args) {
    return this.#native.settleAsync(this.#number, ...args)
  }

  // One of its jobs is over; after the last one there is nothing left to give back.
  finish() {
    this.#left -= 1
    if (this.#left === 0) collected.unregister(this)
  }
}

// Jobs that nobody holds any more and nobody settled are released.
const collected = new FinalizationRegistry(({ native, number }) => {
  try {
    native.dropBatch(number)
  } catch {
    // The hub is closed, which has released them.
  }
})

class Job extends Peeked {
  #queue
  #batch
  #index
  // undefined while leased as far as is known here, then 'acked' or 'lost'.
  #outcome

  constructor(packed, at, alone, queue, batch, index) {
    super(packed, at, alone)
    this.#queue = queue
    this.#batch = batch
    this.#index = index
  }

  #lost() {
    return new RingmainError('LEASE_LOST', `lease lost: message ${this.id} of queue ${this.#queue}, ` +
      `attempt ${this.attempts}, is no longer leased to this delivery`)
  }

  #finish(outcome) {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.#batch.finish()
  }

  #finishIfLost(error) {
    if (error instanceof RingmainError && error.code === 'LEASE_LOST') this.#finish('lost')
    return error
  }

  // Whether a verb has nothing to do, because the job is acked already; throws if it has no lease any more.
  #isDone(verb) {
    if (this.#outcome === undefined) return false
    if (this.#outcome === 'acked' && verb === ACK) return true
    throw this.#lost()
  }

  #settle(verb, reason, ms) {
    if (this.#isDone(verb)) return
    try {
      this.#batch.settle(this.#index, verb, reason, ms)
    } catch (error) {
      throw this.#finishIfLost(error)
    }
    if (verb !== EXTEND) this.#finish(verb === ACK ? 'acked' : 'lost')
  }

  async #settleAsync(verb, reason, ms) {
    if (this.#isDone(verb)) return
    try {
      await this.#batch.settleAsync(this.#index, verb, reason, ms)
    } catch (error) {
      throw this.#finishIfLost(error)
    }
    if (verb !== EXTEND) this.#finish(verb === ACK ? 'acked' : 'lost')
  }

  // Acks many jobs of one queue by its native half; for each null, or why not.
  static _ackMany(native, queue, jobs) {
    for (const job of jobs) {
      if (typeof job !== 'object' || job === null || !(#batch in job)) throw invalid('jobs', 'each must be a Job')
      if (job.#queue !== queue) throw invalid('jobs', `message ${job.id} is of queue ${job.#queue}, not of ${queue}`)
    }
    const open = jobs.filter((job) => job.#outcome === undefined)
    const failures = native.ackMany(open.map((job) => job.#batch.number), open.map((job) => job.#index))
    const errors = new Map()
    open.forEach((job, at) => {
      const failure = failures[at]
      if (failure) errors.set(job, job.#finishIfLost(new RingmainError(failure.code, failure.message)))
      else job.#finish('acked')
    })
    return jobs.map((job) => errors.get(job) ?? (job.#outcome === 'lost' ? job.#lost() : null))
  }

  ack() {
    this.#settle(ACK)
  }

  fail(reason, options) {
    this.#settle(FAIL, argument.reason(reason), delayOf(options))
  }

  release(options) {
    this.#settle(RELEASE, undefined, delayOf(options))
  }

  reject(reason) {
    this.#settle(REJECT, argument.reason(reason))
  }

  extend(ms) {
    this.#settle(EXTEND, undefined, argument.number('ms', ms))
  }

  async ackAsync() {
    return this.#settleAsync(ACK)
  }

  async failAsync(reason, options) {
    return this.#settleAsync(FAIL, argument.reason(reason), delayOf(options))
  }

  async releaseAsync(options) {
    return this.#settleAsync(RELEASE, undefined, delayOf(options))
  }

  async rejectAsync(reason) {
    return this.#settleAsync(REJECT, argument.reason(reason))
  }

  async extendAsync(ms) {
    return this.#settleAsync(EXTEND, undefined, argument.number('ms', ms))
  }

  [Symbol.dispose]() {
    if (this.#outcome !== undefined) return
    try {
      this.release()
    } catch (error) {
      // Its lease expired, or its hub is closed, which has released it.
      if (!(error instanceof RingmainError) || !['LEASE_LOST', 'CLOSED'].includes(error.code)) throw error
    }
  }
}

// The number of the batch comes before its messages.
const NUMBER_BYTES = 8

// The jobs of what the native half of a queue received; none of null.
function jobsOf(native, queue, received) {
  if (received === null) return []
  const packed = received.subarray(NUMBER_BYTES)
  const places = unpack(packed, (at, index, alone) => ({ at, index, alone }))
  const batch = new Batch(native, received.readDoubleLE(0), places.length)
  return places.map(({ at, index, alone }) => new Job(packed, at, alone, queue, batch, index))
}

const peekedOf = (packed) => unpack(packed, (at, _index, alone) => new Peeked(packed, at, alone))

module.exports = { Job, Peeked, jobsOf, peekedOf }
