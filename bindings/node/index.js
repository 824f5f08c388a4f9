'use strict'
// Ringmain for Node: what the package exports. `index.d.ts` is its manual.

const { ManualClock } = require('./lib/clock.js')
const { Consumer } = require('./lib/consumer.js')
const { RingmainError } = require('./lib/errors.js')
const { Hub, Schedule, open } = require('./lib/hub.js')
const { Job, PackedJobs, Peeked } = require('./lib/job.js')
const { DeadLetters } = require('./lib/letters.js')
const { onNotice } = require('./lib/notice.js')
const { Queue } = require('./lib/queue.js')
const { Receipt } = require('./lib/receipt.js')
const { restore, salvage, verify } = require('./lib/snapshot.js')
const {
  Batcher, Group, Member, Processing, Producer, Reader, Record, Stream, StreamWorker, Table
} = require('./lib/stream/index.js')
const { Worker } = require('./lib/worker.js')

module.exports = {
  open, onNotice, restore, salvage, verify,
  RingmainError, ManualClock, Hub, Schedule, Queue, DeadLetters, Consumer, Worker, Job, PackedJobs, Peeked, Receipt,
  Batcher, Group, Member, Processing, Producer, Reader, Record, Stream, StreamWorker, Table
}
