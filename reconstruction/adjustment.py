"""The last bundle adjustment: photographs, lens and points together, with believed positions as priors."""

from collections.abc import Mapping, Sequence

import numpy as np
import pycolmap

from reconstruction.alignment import DEFAULT_POSITION_STD_M
from trellis.pose_file import CameraPose

#: Residuals beyond these lose their say: pixels of a point, standard deviations of a position.
_POINT_LOSS_PX, _POSITION_LOSS = 1.0, 3.0

#: The principal point is set free only with so many photographs; it then follows from their different rolls.
_PHOTOGRAPHS_FOR_PRINCIPAL_POINT = 16


def adjust(
    found: pycolmap.Reconstruction,
    believed: Mapping[str, CameraPose],
    seed: int,
    *,
    free_lens: bool,
    fixed_points: Sequence[int] = (),
) -> None:
    """Adjust a reconstruction in place; with believed poses it must stand near their frame and keeps to it.

    Points have Cauchy's loss at one pixel, positions at three standard deviations: a wrong belief does not pull.

    Args:
        found: In the frame of `believed` already, within what these are good for.
        believed: May be empty: then nothing holds frame and scale but where the adjustment began.
        seed: Of the robust alignment inside.
        free_lens: Whether the principal point is free too; focal length and distortion always are.
        fixed_points: Ids of points that stay where they are, and so hold frame and scale; beliefs then have no say.
    """
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.refine_principal_point = free_lens and found.num_reg_images() >= _PHOTOGRAPHS_FOR_PRINCIPAL_POINT
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = _POINT_LOSS_PX
    # Sums of several threads come in any order; one thread gives the same bytes again.
    options.ceres.solver_options.num_threads = 1
    options.ceres.solver_options.max_num_iterations = 50
    options.ceres.solver_options.function_tolerance = 1e-6
    config = pycolmap.BundleAdjustmentConfig()
    for image_id in found.reg_image_ids():
        config.add_image(image_id)
    for point in fixed_points:
        config.add_constant_point(point)
    priors = [] if fixed_points else _priors(found, believed)
    if len(priors) < 3:
        if not fixed_points:
            config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
        pycolmap.create_default_bundle_adjuster(options, config, found).solve()
        return
    prior_options = pycolmap.PosePriorBundleAdjustmentOptions()
    prior_options.ceres.prior_position_loss_function_type = pycolmap.LossFunctionType.CAUCHY
    prior_options.ceres.prior_position_loss_scale = _POSITION_LOSS
    prior_options.alignment_ransac.random_seed = seed
    pycolmap.create_pose_prior_bundle_adjuster(options, prior_options, config, priors, found).solve()


def _priors(found: pycolmap.Reconstruction, believed: Mapping[str, CameraPose]) -> list[pycolmap.PosePrior]:
    priors = []
    for image_id in sorted(found.reg_image_ids()):
        image = found.image(image_id)
        pose = believed.get(image.name)
        if pose is None:
            continue
        std_m = pose.position_std_m or DEFAULT_POSITION_STD_M
        priors.append(
            pycolmap.PosePrior(
                corr_data_id=image.data_id,
                position=pose.world_from_camera.translation_m,
                position_covariance=std_m**2 * np.eye(3),
                coordinate_system=pycolmap.PosePriorCoordinateSystem.CARTESIAN,
            )
        )
    return priors
