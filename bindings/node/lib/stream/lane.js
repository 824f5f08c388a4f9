'use strict'
// What waits of one partition for a worker's handlers, in order.
//
// A lane hands out up to `batch` records at a time, to at most `parallel` handlers. In order (one handler) a record that failed goes back
// to the head, and the lane rests until it may be tried again; side by side, it alone rests.

class Lane {
  #records = []
  #restUntil = 0
  #rules
  #running = 0
  // Asked to let go of the partition, or it is lost: nothing more is begun.
  isStopped = false

  constructor(partition, rules) {
    this.partition = partition
    this.#rules = rules
  }

  get waiting() {
    return this.#records.length
  }

  get running() {
    return this.#running
  }

  push(record, now) {
    this.#records.push({ record, failures: 0, since: now, restUntil: 0 })
  }

  // What a handler may begin now; none if there is nothing, or not yet.
  take(now) {
    const { batch, batchWaitMs, parallel } = this.#rules
    if (this.isStopped || this.#running >= parallel || this.#restUntil > now) return null
    const ready = parallel === 1 ? this.#records : this.#records.filter(({ restUntil }) => restUntil <= now)
    if (ready.length === 0) return null
    // Records that failed are tried again by themselves, as they failed.
    if (ready.length < batch && ready[0].failures === 0 && now < ready[0].since + batchWaitMs) return null
    const taken = ready.slice(0, batch)
    if (ready === this.#records) this.#records.splice(0, taken.length)
    else this.#records = this.#records.filter((one) => !taken.includes(one))
    this.#running++
    return taken
  }

  // When a handler may begin something: now or before, if there is something; Infinity if only a record or a handler can bring that.
  next(now) {
    const { batch, batchWaitMs, parallel } = this.#rules
    if (this.isStopped || this.#records.length === 0 || this.#running >= parallel) return Infinity
    if (this.#restUntil > now) return this.#restUntil
    const isReady = ({ restUntil }) => restUntil <= now
    const ready = parallel === 1 ? this.#records : this.#records.filter(isReady)
    if (ready.length >= batch || ready[0]?.failures > 0) return now
    const resting = ready === this.#records ? [] : this.#records.filter((one) => !isReady(one))
    const fills = ready.length > 0 ? ready[0].since + batchWaitMs : Infinity
    return resting.reduce((first, { restUntil }) => Math.min(first, restUntil), fills)
  }

  // A handler has ended; what it was given is tried again then.
  rest(taken, until) {
    if (this.#rules.parallel === 1) this.#restUntil = until
    else for (const one of taken) one.restUntil = until
    this.#records.unshift(...taken)
  }

  ended() {
    this.#running--
  }

  // Begins nothing more; how many are dropped.
  stop() {
    this.isStopped = true
    return this.#records.splice(0).length
  }
}

module.exports = { Lane }
