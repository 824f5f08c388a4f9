'use strict'
// What readers and members have in common: records in order, by waiting or by blocking.

const argument = require('../argument.js')
const { RingmainError, invalid } = require('../errors.js')
const hot = require('../hot.js')
const { Poller, block } = require('../wait.js')
const { AGAIN, FULL, NONE, OVER, WAITING, read } = require('./records.js')

const FETCH_OPTIONS = ['bytesMin', 'bytesMax', 'countMax', 'timeoutMs', 'signal', 'unref']
const FETCH_BYTES_MAX = 2 ** 20
const FETCH_WAIT_MS = 500
const FOLLOW_OPTIONS = ['signal', 'unref', 'endAfterMs']
const POLL_BATCH_OPTIONS = ['fillMs', 'timeoutMs', 'signal', 'unref']
// How many records one poll takes where the caller does not say.
const POLL_COUNT = 500
// What the log has of a record beside what is packed of it.
const RECORD_BYTES = 24 - 52

// A clock for waits that take several steps.
const deadline = (ms) => {
  const end = performance.now() + ms
  return () => Math.max(0, end - performance.now())
}

class Source {
  #native
  #number
  #poller
  _predicate
  // Records that an error of the program's, in a callback or a predicate, kept from being handed out.
  #kept = null

  constructor(hub, native, predicate) {
    this.#native = native
    this.#number = native.number()
    this._predicate = predicate
    this.#poller = new Poller(hub, { poll: (ask, _port, token) => this.#poll(ask, token) })
  }

  // What is there now; null: it will be told when there may be something; none: there never will be.
  #poll(ask, token) {
    let got = this.#takeKept(ask.count)
    got ??= read(this.#native, (memory, at) => hot.pollSource(this.#number, memory, at, ask, token))
    this.#tell(got)
    if (got === WAITING) return null
    if (got === OVER || got === FULL) return NONE
    if (got !== AGAIN) return this.#wanted(got)
    this.#again()
    return null
  }

  // What a predicate leaves of records; if nothing, null, and the next ones are looked at when others had their turn.
  #wanted(records) {
    const wanted = this.#judge(records)
    if (wanted.length > 0) return wanted
    this.#again()
    return null
  }

  // What a predicate leaves. Where it throws, what comes before is handed out first, and it is asked again by the next call.
  #judge(records) {
    if (this._predicate === undefined) return records
    const wanted = []
    for (const [at, record] of records.entries()) {
      try {
        if (this._predicate(record)) wanted.push(record)
      } catch (error) {
        this.#keep(records.slice(at))
        if (wanted.length === 0) throw error
        break
      }
    }
    return wanted
  }

  // In front of those that are kept already.
  #keep(records) {
    const kept = records.concat(this.#kept ?? [])
    this.#kept = kept.length > 0 ? kept : null
  }

  #takeKept(count) {
    const kept = this.#kept
    this.#kept = null
    if (kept !== null && kept.length > count) this.#keep(kept.splice(count))
    return kept
  }

  #again() {
    setImmediate(() => this.#poller.wake())
  }

  #tell(got) {
    try {
      this._tell()
    } catch (error) {
      if (Array.isArray(got)) this.#keep(got)
      throw error
    }
  }

  // Calls the program's callbacks, where there are some.
  _tell() {}

  async poll(count = POLL_COUNT, options) {
    return (await this.#poller.wait({ count: argument.count(count) }, options)) ?? []
  }

  pollSync(count = POLL_COUNT, timeoutMs = 0) {
    argument.count(count)
    const receive = (sliceMs) => {
      for (;;) {
        let got = this.#takeKept(count)
        got ??= read(this.#native, (memory, at) => hot.read(this.#number, memory, at, count, sliceMs))
        this.#tell(got)
        if (got === WAITING) return null
        if (got === OVER) return []
        const wanted = this.#judge(got)
        if (wanted.length > 0) return wanted
        sliceMs = 0
      }
    }
    return block(timeoutMs, receive) ?? []
  }

  async fetch(given) {
    const options = argument.options(given, FETCH_OPTIONS)
    const { bytesMin = 1, bytesMax = FETCH_BYTES_MAX, countMax = POLL_COUNT, timeoutMs = FETCH_WAIT_MS } = options
    argument.count(countMax)
    for (const [name, value] of [['bytesMin', bytesMin], ['bytesMax', bytesMax]]) {
      if (!Number.isSafeInteger(value) || value < 1) throw invalid(name, `${argument.shown(value)} is not a whole number from 1 up`)
    }
    if (bytesMin > bytesMax) throw invalid('bytesMin', `${bytesMin} is more than bytesMax, ${bytesMax}; raise that or lower this`)
    const { signal, unref } = options
    return this.#gather([], { bytesMin, bytesMax, countMax }, { timeoutMs, signal, unref })
  }

  async pollBatch(count, given) {
    const { fillMs = 0, ...wait } = argument.options(given, POLL_BATCH_OPTIONS)
    argument.wait('fillMs', fillMs)
    const records = await this.poll(count, wait)
    if (records.length === 0 || records.length >= count || fillMs === 0) return records
    return this.#gather(records, { bytesMin: Infinity, countMax: count }, { ...wait, timeoutMs: fillMs })
  }

  // Waits for as many as that says. Once there are some, an error or an abort only ends the waiting: the next call tells of it.
  async #gather(records, { bytesMin, bytesMax, countMax }, { timeoutMs, signal, unref }) {
    const leftMs = deadline(argument.wait('timeoutMs', timeoutMs))
    let bytes = 0
    try {
      for (;;) {
        const ask = { count: countMax - records.length, isFirst: records.length === 0 }
        if (bytesMax !== undefined) ask.bytesMax = bytesMax - bytes
        const more = await this.#poller.wait(ask, { timeoutMs: leftMs(), signal, unref })
        if (more === null || more.length === 0) return records
        for (const record of more) {
          records.push(record)
          bytes += record._size + RECORD_BYTES
        }
        if (bytes >= bytesMin || bytes >= bytesMax || records.length >= countMax) return records
      }
    } catch (error) {
      if (records.length === 0) throw error
      return records
    }
  }

  seek(partition, offset) {
    this.#native.seek(argument.number('partition', partition), argument.number('offset', offset))
    const kept = this.#kept?.filter((record) => record.partition !== partition) ?? []
    this.#kept = kept.length > 0 ? kept : null
    this._tell()
  }

  lag() {
    return this.#native.lag()
  }

  *[Symbol.iterator]() {
    for (let records = this.pollSync(); records.length > 0; records = this.pollSync()) yield* records
  }

  async *follow(options) {
    const { signal, unref, endAfterMs = Infinity } = argument.options(options, FOLLOW_OPTIONS)
    const leftMs = deadline(argument.wait('endAfterMs', endAfterMs))
    try {
      for (;;) {
        const records = await this.poll(POLL_COUNT, { timeoutMs: leftMs(), signal, unref })
        if (records.length === 0) return
        yield* records
      }
    } catch (error) {
      // A closed hub, reader or member is the ordinary end of the loop.
      if (!(error instanceof RingmainError && error.code === 'CLOSED')) throw error
    }
  }

  [Symbol.asyncIterator]() {
    return this.follow()
  }

  // A verb on the pool has ended: whoever waits may have been kept waiting by that.
  _wake() {
    this.#poller.wake()
  }

  // Ends waits on it with an error.
  _refuse(error) {
    this.#poller.refuse(error)
  }
}

// Closes something that may be closed already.
function ignoreClosed(close) {
  try {
    close()
  } catch (error) {
    if (!(error instanceof RingmainError && error.code === 'CLOSED')) throw error
  }
}

module.exports = { POLL_COUNT, Source, ignoreClosed }
