"""What tests give XLA, in their process and in those that they start."""

import importlib.metadata

from packaging.version import Version

# Programs compile fast rather than run fast; with fusion emitters a training step takes twice as long to compile.
# In one piece: several compile side by side, which takes more of two processors that are busy anyway.
FAST = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_parallel_codegen_split_count=1"
if Version(importlib.metadata.version("jaxlib")) < Version("0.11"):  # later ones know no other way, and end where they don't know a flag
    FAST += " --xla_cpu_use_fusion_emitters=false"
