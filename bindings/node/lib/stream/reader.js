'use strict'
// Readers, and replays.

const argument = require('../argument.js')
const { RingmainError } = require('../errors.js')
const { Poller } = require('../wait.js')
const filter = require('./filter.js')
const { NONE, OVER, WAITING, read } = require('./records.js')
const { POLL_COUNT, Source, ignoreClosed } = require('./source.js')
const { RESETS, endOf, startOf } = require('./start.js')

const READER_OPTIONS = ['start', 'partition', 'until', 'only', 'onOutOfRange']
const REPLAY_OPTIONS = ['factor', 'timeOf', 'gapMaxMs', 'signal', 'unref']

class Reader extends Source {
  #hub
  #native

  constructor(hub, native, predicate) {
    super(hub, native, predicate)
    this.#hub = hub
    this.#native = native
  }

  get isDone() {
    return this.#native.isDone()
  }

  replay(given) {
    const { factor, timeOf, gapMaxMs, signal, unref } = argument.options(given, REPLAY_OPTIONS)
    if (factor !== undefined) argument.number('factor', factor)
    if (timeOf !== undefined) argument.word('timeOf', timeOf, ['ingest', 'event'])
    if (gapMaxMs !== undefined) argument.number('gapMaxMs', gapMaxMs)
    argument.signal(signal)
    const native = this.#native.replay({ factor, timeOf, gapMaxMs })
    this._refuse(new RingmainError('CLOSED', 'reader is closed: it is being replayed'))
    return replayed(this.#hub, native, this._predicate, { signal, unref })
  }

  close() {
    this.#native.close()
    this._refuse(new RingmainError('CLOSED', 'reader is closed'))
  }

  [Symbol.dispose]() {
    ignoreClosed(() => this.close())
  }

  async [Symbol.asyncDispose]() {
    this[Symbol.dispose]()
  }
}

// Records as they come due.
async function* replayed(hub, native, predicate, wait) {
  const poll = (count, port, token) => {
    const got = read(native, (memory, at) => native.poll(memory, at, count, port, token))
    if (got === OVER) return NONE
    return got === WAITING ? null : got
  }
  const poller = new Poller(hub, { poll })
  try {
    for (;;) {
      const records = await poller.wait(POLL_COUNT, wait)
      if (records.length === 0) return
      yield* predicate === undefined ? records : records.filter((record) => predicate(record))
    }
  } catch (error) {
    if (!(error instanceof RingmainError && error.code === 'CLOSED')) throw error
  } finally {
    native.close()
  }
}

// A reader of a stream, with options checked.
function openReader(hub, stream, given) {
  const { start, partition, until, only, onOutOfRange } = argument.options(given, READER_OPTIONS)
  if (partition !== undefined) argument.number('partition', partition)
  if (onOutOfRange !== undefined) argument.word('onOutOfRange', onOutOfRange, RESETS)
  const { packed, predicate } = filter.split(only)
  const options = { until: until === undefined ? undefined : endOf(until), only: packed, onOutOfRange }
  return new Reader(hub, stream.reader(startOf(start), partition, options), predicate)
}

module.exports = { Reader, openReader }
