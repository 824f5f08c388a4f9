'use strict'
// Which prebuilt package fits this process: its name ends like one of npm/platforms.json.

// Node tells of glibc in its report, and of nothing where there is another one.
function libc() {
  const { header } = process.report.getReport()
  return header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'
}

const SUFFIXES = { linux: () => `-${libc()}`, win32: () => '-msvc' }

const platform = () => `${process.platform}-${process.arch}${SUFFIXES[process.platform]?.() ?? ''}`

module.exports = { platform }
