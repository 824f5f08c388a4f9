'use strict'
// Ringmain for Node: what the package exports. `index.d.ts` is its manual.

const { RingmainError } = require('./lib/errors.js')
const { Hub, open } = require('./lib/hub.js')
const { Job, Peeked } = require('./lib/job.js')
const { Queue } = require('./lib/queue.js')
const {
  Batcher, Group, Member, Processing, Producer, Reader, Receipt, Record, Stream, StreamWorker, Table
} = require('./lib/stream/index.js')

module.exports = {
  open, RingmainError, Hub, Queue, Job, Peeked,
  Batcher, Group, Member, Processing, Producer, Reader, Receipt, Record, Stream, StreamWorker, Table
}
