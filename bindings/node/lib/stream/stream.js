'use strict'
// An event stream: appending, and what opens readers, groups, producers, batchers and tables.

const argument = require('../argument.js')
const data = require('../data.js')
const { RingmainError } = require('../errors.js')
const hot = require('../hot.js')
const { outgoing, pack, packCounted, packMany } = require('./append.js')
const { openBatcher } = require('./batcher.js')
const { Line, Receipt } = require('../receipt.js')
const { Group } = require('./member.js')
const { Producer } = require('./producer.js')
const { openReader } = require('./reader.js')
const { Table } = require('./table.js')

const STREAM_OPTIONS = [
  'partitions', 'forceGrowth', 'ageMaxMs', 'bytesMax', 'countMax', 'compaction', 'untilRead', 'slowReaders'
]
const COMPACTION_OPTIONS = ['lagMinMs', 'tombstoneGraceMs', 'dirtyPercentMin', 'sealAfterMs', 'latestOnly', 'keysMax']
const SLOW_READERS_OPTIONS = ['timeoutMs', 'then']

class Stream {
  #hub
  #name
  #native
  #number
  #line = new Line()

  constructor(hub, native, name) {
    this.#hub = hub
    this.#name = name
    this.#native = native
    this.#number = native.number()
  }

  get name() {
    return this.#name
  }

  get partitions() {
    return this.#native.partitions()
  }

  append(value, options) {
    return this.#append(hot.ANY, value, options)
  }

  async appendAsync(value, options) {
    return this.#appendAsync(pack(value, options))
  }

  appendTo(partition, value, options) {
    return this.#append(argument.partition(partition), value, options)
  }

  async appendToAsync(partition, value, options) {
    return this.#appendAsync(pack(value, options), argument.number('partition', partition))
  }

  appendMany(messages) {
    return this.#appendMany(hot.ANY, messages)
  }

  async appendManyAsync(messages) {
    return this.#appendManyAsync(packMany(messages))
  }

  appendManyTo(partition, messages) {
    return this.#appendMany(argument.partition(partition), messages)
  }

  async appendManyToAsync(partition, messages) {
    return this.#appendManyAsync(packMany(messages), argument.number('partition', partition))
  }

  appendExpecting(partition, end, messages) {
    const packed = packMany(messages)
    return this.#expected(partition, end, this.#native.appendExpecting(...expectation(partition, end), packed))
  }

  async appendExpectingAsync(partition, end, messages) {
    const packed = packMany(messages)
    const native = await this.#native.appendExpectingAsync(...expectation(partition, end), packed)
    return this.#expected(partition, end, native)
  }

  submit(value, options) {
    return this.#submit(pack(value, options))
  }

  submitTo(partition, value, options) {
    return this.#submit(pack(value, options), argument.number('partition', partition))
  }

  submitMany(messages) {
    return this.#submitMany(packMany(messages))
  }

  submitManyTo(partition, messages) {
    return this.#submitMany(packMany(messages), argument.number('partition', partition))
  }

  #append(partition, value, options) {
    if (options === undefined && hot.put(value)) return hot.append(this.#number, partition)
    return hot.appendMessage(this.#number, partition, outgoing(value, options))
  }

  #appendMany(partition, messages) {
    const { packed, count } = packCounted(messages)
    return hot.appendMany(this.#number, partition, packed, count)
  }

  // Where those who append may have to wait for readers, that is not for the event loop.
  #appendAsync(packed, partition) {
    if (this.#native.isGated()) return this.#native.appendAsync(packed, partition)
    return this.#submit(packed, partition).wait()
  }

  #appendManyAsync(packed, partition) {
    if (this.#native.isGated()) return this.#native.appendManyAsync(packed, partition)
    return this.#submitMany(packed, partition).wait()
  }

  #submit(packed, partition) {
    const { positions: [position], isReached } = this.#native.submit(packed, partition, this.#line.native)
    return new Receipt(this.#line, position, isReached)
  }

  #submitMany(packed, partition) {
    const { positions, isReached } = this.#native.submitMany(packed, partition, this.#line.native)
    return new Receipt(this.#line, positions, isReached)
  }

  #expected(partition, expected, { positions, conflict }) {
    if (!conflict) return positions
    const error = new RingmainError('CONFLICT', conflict.message)
    throw Object.assign(error, { stream: this.#name, partition, expected, actual: conflict.actual })
  }

  batcher(options) {
    return openBatcher(this.#native, options)
  }

  producer(name) {
    return new Producer(this.#native.producer(argument.text('name', name)), name)
  }

  async producerAsync(name) {
    return new Producer(await this.#native.producerAsync(argument.text('name', name)), name)
  }

  producers() {
    return this.#call('producers')
  }

  deleteProducer(name) {
    this.#call('delete_producer', { name: argument.text('name', name) })
  }

  async deleteProducerAsync(name) {
    await this.#callAsync('delete_producer', { name: argument.text('name', name) })
  }

  table() {
    return new Table(this.#native.table())
  }

  reader(options) {
    return openReader(this.#hub, this.#native, options)
  }

  group(name) {
    return new Group(this.#hub, this.#native, argument.text('name', name))
  }

  groups() {
    return this.#call('groups')
  }

  deleteGroup(name) {
    this.#call('delete_group', { name: argument.text('name', name) })
  }

  async deleteGroupAsync(name) {
    await this.#callAsync('delete_group', { name: argument.text('name', name) })
  }

  offsetAtTime(partition, timeNs) {
    return this.#call('offset_at_time', timeOf(partition, timeNs))
  }

  async offsetAtTimeAsync(partition, timeNs) {
    return this.#callAsync('offset_at_time', timeOf(partition, timeNs))
  }

  scanEventTime(partition, timeNs) {
    return this.#call('scan_event_time', timeOf(partition, timeNs))
  }

  async scanEventTimeAsync(partition, timeNs) {
    return this.#callAsync('scan_event_time', timeOf(partition, timeNs))
  }

  compact() {
    this.#call('compact')
  }

  async compactAsync() {
    await this.#callAsync('compact')
  }

  stats() {
    return this.#call('stats')
  }

  #call(verb, options = {}) {
    return data.unpack(this.#native.call(verb, data.pack(options)))
  }

  async #callAsync(verb, options = {}) {
    return data.unpack(await this.#native.callAsync(verb, data.pack(options)))
  }
}

const expectation = (partition, end) => [argument.number('partition', partition), argument.number('end', end)]

const timeOf = (partition, timeNs) =>
  ({ partition: argument.number('partition', partition), timeNs: argument.timeNs('timeNs', timeNs) })

// The options of a stream as the native half takes them.
function streamOptions(given) {
  const options = argument.options(given, STREAM_OPTIONS)
  for (const [name, known] of [['compaction', COMPACTION_OPTIONS], ['slowReaders', SLOW_READERS_OPTIONS]]) {
    if (options[name] !== null) argument.options(options[name], known)
  }
  return data.pack(options)
}

module.exports = { Stream, streamOptions }
