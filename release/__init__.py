# SPDX-License-Identifier: Apache-2.0
"""What is released, made from one clean commit; nothing is published (`make release`)."""
