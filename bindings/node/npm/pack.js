'use strict'
// Writes what is published, from what is built here: the package itself, which has no native half and no scripts, and the package of this
// platform, which has nothing else. The package depends on those of all platforms, and npm installs the one that fits.
//
//   node npm/pack.js OUT    makes OUT/ringmain and OUT/ringmain-PLATFORM; `npm publish` of each is left to whoever releases

const fs = require('node:fs')
const path = require('node:path')
const { platform } = require('../lib/platform.js')
const platforms = require('./platforms.json')

const ROOT = path.join(__dirname, '..')
const LICENCES = ['LICENSE-APACHE', 'LICENSE-MIT']
// Left out of the published package: what only a build needs.
const BUILD_FILES = ['build.js', 'ringmain.node']

function write(folder, manifest, files) {
  fs.mkdirSync(folder, { recursive: true })
  // npm takes a LICENSE by itself, and not two of them by longer names.
  const packed = { ...manifest, files: [...manifest.files, ...LICENCES] }
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(packed, null, 2)}\n`)
  for (const file of files) fs.cpSync(path.join(ROOT, file), path.join(folder, file), { recursive: true })
  for (const file of LICENCES) fs.copyFileSync(path.join(ROOT, '..', '..', file), path.join(folder, file))
}

function pack(out) {
  const { scripts, devDependencies, ...manifest } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  const { version, license, repository, engines } = manifest
  const own = platforms.find(({ name }) => name === platform())
  if (own === undefined) throw new Error(`${platform()} is none of the platforms in npm/platforms.json`)
  manifest.files = manifest.files.filter((file) => !BUILD_FILES.includes(file))
  manifest.optionalDependencies = Object.fromEntries(platforms.map(({ name }) => [`ringmain-${name}`, version]))
  write(path.join(out, 'ringmain'), manifest, [...manifest.files, 'README.md'])
  const { name, os, cpu, libc } = own
  const fits = { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }) }
  const description = `The native half of ringmain for ${name}`
  const main = 'ringmain.node'
  const native = { name: `ringmain-${name}`, version, description, license, repository, engines, main, files: [main], ...fits }
  write(path.join(out, native.name), native, [main])
}

const [out] = process.argv.slice(2)
if (out === undefined) {
  console.error('usage: node npm/pack.js OUT')
  process.exit(2)
}
pack(out)
