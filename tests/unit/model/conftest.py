# SPDX-License-Identifier: Apache-2.0
"""Property tests that do not depend on how busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
