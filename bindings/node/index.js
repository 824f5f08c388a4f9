'use strict'
// Ringmain for Node: what the package exports. `index.d.ts` is its manual.

const { RingmainError } = require('./lib/errors.js')
const { Hub, open } = require('./lib/hub.js')
const { Receipt } = require('./lib/flight.js')
const { Job, PackedJobs, Peeked } = require('./lib/job.js')
const { Queue } = require('./lib/queue.js')
const { Group, Member, Reader, Record, Stream } = require('./lib/stream.js')

module.exports = { open, RingmainError, Hub, Queue, Job, PackedJobs, Peeked, Receipt, Stream, Reader, Record, Group, Member }
