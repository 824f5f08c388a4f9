'use strict'
// Streams: what the package exports of them, and what a hub needs to open one.

const { Batcher } = require('./batcher.js')
const { Group, Member, Processing } = require('./member.js')
const { Producer } = require('./producer.js')
const { Reader } = require('./reader.js')
const { Record } = require('./records.js')
const { Stream, streamOptions } = require('./stream.js')
const { StreamWorker } = require('./worker.js')
const { Table } = require('./table.js')

module.exports = {
  Batcher, Group, Member, Processing, Producer, Reader, Record, Stream, StreamWorker, Table, streamOptions
}
