# SPDX-License-Identifier: Apache-2.0
"""The golden cases, one module per family of estimators; importing a module registers its cases."""
