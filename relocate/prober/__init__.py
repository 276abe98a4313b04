# SPDX-License-Identifier: Apache-2.0
"""The prober: the open-loop watcher of a route during a relocation (evidence E4).

Pure: `histogram`, `records`, `judgement`, `book`, `coverage`, `claim`. With I/O: `route`, `http`, `grpc`.
"""
