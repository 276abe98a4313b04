# SPDX-License-Identifier: Apache-2.0
"""The proof of a relocation as one document, and how anybody recomputes it: no network, no database, no clock.

`samples` is what activities keep beside a claim, `record` the whole of it, `statement` and `envelope` its signed form.
`rules` says for one claim whether it follows from its samples, `invariants` what must hold over all of them, `verdict`
what it comes to in one sentence, and `verification` does all of it to a file.
"""
