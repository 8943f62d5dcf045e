"""What tests give XLA, in their process and in those that they start."""

# Programs compile fast rather than run fast; with fusion emitters a training step takes twice as long to compile.
FAST = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_use_fusion_emitters=false"
