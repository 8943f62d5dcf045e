"""What a saved model may do: compute. Its graph is copied without the parts that touch files, and the copy alone is opened.

A saved model is a program of whoever made it, and TensorFlow has operations on files, hosts and Python. So a graph may hold the operations
of networks (`COMPUTING`) and those with which every saved model saves and restores its variables (`SAVING`). The latter are left out of
the copy with all that depends on them: TensorFlow's loader restores variables by operations of its own.
"""

import collections
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gan_jax.errors import UserError
from gan_jax.reading import open_named

# All of them turn tensors into tensors, or keep tensors in this process.
COMPUTING = frozenset("""
    Abs Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan Atan2 Atanh BatchMatMul BatchMatMulV2
    BatchMatMulV3 BesselI0e BesselI1e Betainc BiasAdd BiasAddGrad BiasAddV1 Bincount Bitcast BitwiseAnd BitwiseOr BitwiseXor BroadcastArgs
    BroadcastGradientArgs BroadcastTo Bucketize Cast Ceil CheckNumerics CheckNumericsV2 ClipByValue Complex ComplexAbs Conj
    ConjugateTranspose Cos Cosh Cross CumulativeLogsumexp Cumprod Cumsum Digamma Div DivNoNan Einsum Elu EluGrad Equal Erf Erfc Erfinv Exp
    Expm1 Floor FloorDiv FloorMod Greater GreaterEqual HistogramFixedWidth Igamma Igammac Imag Inv InvGrad Invert IsFinite IsInf IsNan
    L2Loss LeakyRelu LeakyReluGrad Less LessEqual Lgamma LinSpace Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max Maximum
    Mean Min Minimum Mod Mul MulNoNan Ndtri Neg NextAfter NotEqual Polygamma Pow Prod Range Real RealDiv Reciprocal ReciprocalGrad Relu
    Relu6 Relu6Grad ReluGrad RightShift LeftShift Rint Round Rsqrt RsqrtGrad Selu SeluGrad Sigmoid SigmoidGrad Sign Sin Sinh Softmax
    SoftmaxCrossEntropyWithLogits Softplus SoftplusGrad Softsign SoftsignGrad SparseSoftmaxCrossEntropyWithLogits Sqrt SqrtGrad Square
    SquaredDifference Sub Sum Tan Tanh TanhGrad TruncateDiv TruncateMod Xdivy Xlog1py Xlogy Zeta

    Cholesky CholeskyGrad Eig LogMatrixDeterminant MatrixBandPart MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2
    MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixInverse MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixSolve MatrixSolveLs
    MatrixSquareRoot MatrixTriangularSolve Qr SelfAdjointEig SelfAdjointEigV2 Svd TridiagonalMatMul FFT FFT2D FFT3D IFFT IFFT2D IFFT3D IRFFT
    IRFFT2D IRFFT3D RFFT RFFT2D RFFT3D

    AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad BatchNormWithGlobalNormalization BatchNormWithGlobalNormalizationGrad Conv2D
    Conv2DBackpropFilter Conv2DBackpropInput Conv3D Conv3DBackpropFilter Conv3DBackpropFilterV2 Conv3DBackpropInput Conv3DBackpropInputV2
    DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput Dilation2D Dilation2DBackpropFilter
    Dilation2DBackpropInput FractionalAvgPool FractionalMaxPool FusedBatchNorm FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3
    FusedBatchNormV2 FusedBatchNormV3 FusedPadConv2D FusedResizeAndPadConv2D InTopK InTopKV2 LRN LRNGrad MaxPool MaxPool3D MaxPool3DGrad
    MaxPool3DGradGrad MaxPoolGrad MaxPoolGradGrad MaxPoolGradGradV2 MaxPoolGradGradWithArgmax MaxPoolGradV2 MaxPoolGradWithArgmax MaxPoolV2
    MaxPoolWithArgmax

    AdjustContrastv2 AdjustHue AdjustSaturation CropAndResize CropAndResizeGradBoxes CropAndResizeGradImage DecodeJpeg
    ExtractImagePatches HSVToRGB ImageProjectiveTransformV2 ImageProjectiveTransformV3 RGBToHSV ResizeArea
    ResizeBicubic ResizeBicubicGrad ResizeBilinear ResizeBilinearGrad ResizeNearestNeighbor ResizeNearestNeighborGrad ScaleAndTranslate
    ScaleAndTranslateGrad FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel

    BatchToSpace BatchToSpaceND Concat ConcatOffset ConcatV2 DepthToSpace Diag DiagPart DynamicPartition DynamicStitch
    ParallelDynamicStitch EditDistance Empty EnsureShape ExpandDims Fill Gather GatherNd GatherV2 InvertPermutation ListDiff MirrorPad
    MirrorPadGrad OneHot OnesLike Pack ParallelConcat Pad PadV2 Rank Reshape ResourceGather ResourceGatherNd Reverse ReverseSequence
    ReverseV2 Roll ScatterNd ScatterNdNonAliasingAdd SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum Select SelectV2 Shape ShapeN
    Size Slice SpaceToBatch SpaceToBatchND SpaceToDepth SparseToDense Split SplitV Squeeze StridedSlice StridedSliceGrad
    TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile TileGrad TopK
    TopKV2 Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack UnravelIndex UnsortedSegmentMax UnsortedSegmentMin
    UnsortedSegmentProd UnsortedSegmentSum Where ZerosLike InplaceAdd InplaceSub InplaceUpdate DeepCopy

    Multinomial ParameterizedTruncatedNormal RandomGamma RandomGammaGrad RandomPoisson RandomPoissonV2 RandomShuffle RandomStandardNormal
    RandomUniform RandomUniformInt RngReadAndSkip RngSkip StatefulRandomBinomial StatefulStandardNormal StatefulStandardNormalV2
    StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt StatelessMultinomial
    StatelessParameterizedTruncatedNormal StatelessRandomBinomial StatelessRandomGammaV2 StatelessRandomGammaV3 StatelessRandomGetAlg
    StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomPoisson
    StatelessRandomUniform StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2 StatelessRandomUniformInt
    StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessShuffle StatelessTruncatedNormal StatelessTruncatedNormalV2
    TruncatedNormal

    Assign AssignAdd AssignAddVariableOp AssignSub AssignSubVariableOp AssignVariableOp CountUpTo DestroyResourceOp
    DestroyTemporaryVariable DisableCopyOnRead IsVariableInitialized ReadVariableOp ResourceCountUpTo ResourceScatterAdd ResourceScatterDiv
    ResourceScatterMax ResourceScatterMin ResourceScatterMul ResourceScatterNdAdd ResourceScatterNdUpdate ResourceScatterSub
    ResourceScatterUpdate ResourceStridedSliceAssign ScatterAdd ScatterDiv ScatterMax ScatterMin ScatterMul ScatterNdAdd ScatterNdUpdate
    ScatterSub ScatterUpdate StridedSliceAssign TemporaryVariable VarHandleOp VarIsInitializedOp Variable VariableShape VariableV2
    ApplyAdagrad ApplyAdam ApplyGradientDescent ApplyMomentum ApplyRMSProp ResourceApplyAdagrad ResourceApplyAdagradV2 ResourceApplyAdam
    ResourceApplyGradientDescent ResourceApplyKerasMomentum ResourceApplyMomentum ResourceApplyRMSProp

    Case ControlTrigger Enter Exit For If LoopCond Merge NextIteration PartitionedCall RefEnter RefExit RefIdentity RefMerge
    RefNextIteration RefSelect RefSwitch StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile Switch SymbolicGradient
    ToBool While StackCloseV2 StackPopV2 StackPushV2 StackV2 AccumulateNV2
    TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayGradV3 TensorArrayGradWithShape TensorArrayReadV3
    TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 EmptyTensorList TensorListConcat
    TensorListConcatLists TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem
    TensorListLength TensorListPopBack TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize TensorListScatter
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack OptionalFromValue
    OptionalGetValue OptionalHasValue OptionalNone

    Assert Const GuaranteeConst HistogramSummary Identity IdentityN ImageSummary MergeSummary NoOp Placeholder
    PlaceholderV2 PlaceholderWithDefault PreventGradient ScalarSummary Snapshot StopGradient TensorSummary TensorSummaryV2
""".split())  # noqa: SIM905  # fmt: skip

WRITING = frozenset({"MergeV2Checkpoints", "Save", "SaveSlices", "SaveV2"})
# The filenames among them, or a saver would not be left out whole.
SAVING = WRITING | {
    "Restore", "RestoreSlice", "RestoreV2", "RegexFullMatch", "ShardedFilename", "ShardedFilespec", "StaticRegexFullMatch", "StringJoin",
}  # fmt: skip
MOST_BYTES = 2**29  # of a saved model without its variables
RUN_AT_OPENING = ("saved_model_main_op", "legacy_init_op", "saved_model_initializers", "table_initializer")


def write_copy(handle: str, folder: pathlib.Path, copy: pathlib.Path) -> None:
    """Writes the saved model of `folder` into the empty folder `copy`, without its saving and restoring; the variables are linked.

    Raises UserError where there is none, and for one that holds or would run an operation that may reach beyond the module.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        with open_named(folder / "saved_model.pb") as file:
            content = file.read(MOST_BYTES + 1) or b""
        if not content or len(content) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES >> 20} MiB" if content else "empty")
        model = saved_model_pb2.SavedModel.FromString(content)
        for path in (folder / "variables").glob("*"):  # which TensorFlow opens
            if not path.is_dir():
                open_named(path).close()
    except OSError as error:
        raise UserError(f"{handle}: no saved model ({error.filename or folder}: {error.strerror})") from None
    except Exception as error:
        raise UserError(f"{handle}: no saved model ({_one_line(str(error))})") from None
    for graph in model.meta_graphs:
        if found := _forbidden(graph) or _run_all_the_same(graph):
            raise UserError(f"{handle}: refused, since it holds operations that may reach beyond the module: {_one_line(', '.join(found))}")
        _leave_out_saving(graph)
    (copy / "saved_model.pb").write_bytes(model.SerializeToString())
    os.symlink((folder / "variables").resolve(), copy / "variables")


def _forbidden(graph: Any) -> list[str]:
    """Returns the operations of a meta graph that are neither computing nor saving, nor calls of functions that it holds."""
    from tensorflow.python.framework import op_def_registry

    functions = {function.signature.name for function in graph.graph_def.library.function}
    nodes = [*graph.graph_def.node, *(node for function in graph.graph_def.library.function for node in function.node_def)]
    used = {node.op for node in nodes} - COMPUTING - SAVING
    # A function with the name of an operation would be checked in its place.
    used = {name for name in used if name not in functions or op_def_registry.get(name) is not None}
    return sorted(used | {name for node in nodes for name in _functions(node.attr) if name not in functions})


def _run_all_the_same(graph: Any) -> list[str]:
    """Returns the saving operations on which a meta graph's signatures, functions or opening depend, and writing ones in its restoring."""
    saving, writing = (_depending(graph.graph_def, operations) for operations in (SAVING, WRITING))
    run = [info.name for signature in graph.signature_def.values() for info in (*signature.inputs.values(), *signature.outputs.values())]
    run += [name for key in RUN_AT_OPENING if key in graph.collection_def for name in graph.collection_def[key].node_list.value]
    found = {saving.get(("node", _node(name))) for name in run}
    found |= {saving.get(("function", name)) for name in graph.object_graph_def.concrete_functions}
    found.add(writing.get(("node", _node(graph.saver_def.restore_op_name))))
    return sorted(operation for operation in found if operation is not None)


def _leave_out_saving(graph: Any) -> None:
    """Takes out of a meta graph all that saves or restores, and what names it."""
    out = _depending(graph.graph_def, SAVING)
    nodes, functions = ({name for of, name in out if of == kind} for kind in ("node", "function"))
    library = graph.graph_def.library
    graph.ClearField("saver_def")
    _keep(graph.graph_def.node, lambda node: node.name not in nodes)
    _keep(library.function, lambda function: function.signature.name not in functions)
    _keep(library.gradient, lambda gradient: not {gradient.function_name, gradient.gradient_func} & functions)
    _keep(library.registered_gradients, lambda gradient: gradient.gradient_func not in functions)
    graph.collection_def.pop("savers", None)
    for key, collection in graph.collection_def.items():
        _keep(collection.node_list.value, lambda name: _node(name) not in nodes)
        if collection.HasField("bytes_list") and (key.endswith("variables") or key == "global_step"):
            collection.bytes_list.value[:] = [_without_first_value(variable, nodes) for variable in collection.bytes_list.value]


def _without_first_value(variable: bytes, out: set[str]) -> bytes:
    """Returns a variable's definition without the nodes `out`, from which one that was begun with a checkpoint has its first value."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework import variable_pb2

    try:
        definition = variable_pb2.VariableDef.FromString(variable)
    except DecodeError:  # the loader will say so
        return variable
    if _node(definition.initializer_name) not in out:
        return variable
    definition.initializer_name = _node(definition.variable_name)  # there must be one; the loader gives the value
    definition.ClearField("initial_value_name")
    return definition.SerializeToString()


def _depending(graph: Any, operations: frozenset[str]) -> dict[tuple[str, str], str]:
    """{("node" or "function", its name): the operation} of all in a graph that are, hold or depend on one of `operations`."""
    dependants, found = collections.defaultdict(list), {}
    parts = [(("node", node.name), node) for node in graph.node]
    parts += [(("function", function.signature.name), node) for function in graph.library.function for node in function.node_def]
    for part, node in parts:
        if node.op in operations:
            found[part] = node.op
        for name in (node.op, *_functions(node.attr)):
            dependants["function", name].append(part)
        if part[0] == "node":
            for name in node.input:
                dependants["node", _node(name)].append(part)
    new = list(found)
    while new:
        part = new.pop()
        more = {other for other in dependants[part] if other not in found}
        found.update(dict.fromkeys(more, found[part]))
        new += more
    return found


def _functions(attributes: Mapping[str, Any]) -> Iterator[str]:
    """The names of the functions that a node's attributes give it."""
    for value in attributes.values():
        for function in (*([value.func] if value.HasField("func") else []), *value.list.func):
            yield function.name
            yield from _functions(function.attr)


def _keep(repeated: Any, wanted: Callable[[Any], bool]) -> None:
    for i in reversed(range(len(repeated))):
        if not wanted(repeated[i]):
            del repeated[i]


def _node(name: str) -> str:
    """Returns the node of a tensor, of an input or of a control input."""
    return name.removeprefix("^").split(":")[0]


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
