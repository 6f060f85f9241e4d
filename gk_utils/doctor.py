"""`python -m gk_utils doctor`: is this machine ready for the course? One line a need, and the remedy where it fails.

Standard library alone, and no check may break another: the doctor must work where nothing else does.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from gk_utils.requirements import ROOT, installed, read_bounds, release, requirements, within

INSTALL = 'Run: python -m pip install -e ".[{}]"'
REINSTALL = "Run: python -m pip install --force-reinstall {}"
HUB = "https://huggingface.co"
PATIENCE = 60.0  # seconds for all checks: torch from a cold disk is slow
HUB_PATIENCE = 2.0
FINE = "Fine: the mini tier is offline."
GIB = 2**30

# Runs in an interpreter of its own: a broken torch may take the whole process with it.
PROBE = """
import json
facts = {}
try:
    import torch
    facts["torch"] = torch.__version__
    try:
        if torch.cuda.is_available():
            facts.update(capability=torch.cuda.get_device_capability(0), gpu=torch.cuda.get_device_name(0))
    except Exception as error:
        facts["gpu_error"] = f"{type(error).__name__}: {error}".splitlines()[0]
    from torchvision.ops import nms
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    facts["kept"] = nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist()
except BaseException as error:
    facts["error"] = f"{type(error).__name__}: {error}".strip().splitlines()[0]
print("FACTS " + json.dumps(facts))
"""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: a need, its state, what was found, and what to do ("" for nothing)."""

    state: Literal["OK", "FAIL", "note"]
    need: str
    found: str
    remedy: str = ""


def ok(need: str, found: str) -> list[Finding]:
    """A need that is met."""
    return [Finding("OK", need, found)]


def note(need: str, found: str, remedy: str = "") -> list[Finding]:
    """Something to know; the course runs all the same."""
    return [Finding("note", need, found, remedy)]


def fail(need: str, found: str, remedy: str) -> list[Finding]:
    """A need that is not met, and what to do."""
    return [Finding("FAIL", need, found, remedy)]


def check_python() -> list[Finding]:
    """Python's version against pyproject.toml."""
    wanted = re.search(r'requires-python = "(.*?)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8")).group(1)
    version = ".".join(map(str, sys.version_info[:3]))
    if within(version, read_bounds(wanted)):
        return ok("Python", f"{version} ({sys.executable})")
    return fail("Python", f"{version}, but the course needs {wanted}", "Install Python 3.12.")


def check_packages() -> list[Finding]:
    """Every package against pyproject.toml: a line for each complete group, and for each package that is wrong."""
    findings = []
    needed = requirements()
    for group in dict.fromkeys(requirement.group for requirement in needed):
        need, say = f"packages: {group}", fail if group == "core" else note
        versions = {member: installed(member.name) for member in needed if member.group == group}
        missing = [member.name for member, version in versions.items() if version is None]
        wrong = [member for member, version in versions.items() if version and not within(version, member.bounds)]
        if missing:
            command = INSTALL.format("lab" if group == "core" else group)
            findings += say(need, f"not installed: {', '.join(missing)}", command)
        for member in wrong:
            pair = [other for other in versions if {member.name, other.name} <= {"torch", "torchvision"}]
            command = " ".join(f'"{other.name}{other.wanted}"' for other in pair or [member])
            found = f"{member.name} {versions[member]}, but the course needs {member.wanted}"
            findings += say(need, found, f"Run: python -m pip install {command}")
        if not missing and not wrong:
            findings += ok(need, ", ".join(f"{member.name} {version}" for member, version in versions.items()))
    return findings


def probe_torch() -> dict[str, Any]:
    """What torch says about itself in another interpreter: version, GPU, the boxes that torchvision's NMS kept."""
    command = [sys.executable, "-c", PROBE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE - 2, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("FACTS "):
            return json.loads(line.removeprefix("FACTS "))
    return {"error": f"the interpreter ended with status {done.returncode}"}


def check_torch() -> list[Finding]:
    """Torch and torchvision as a pair: imported together, and one compiled operation run. Then the GPU."""
    torch, vision = installed("torch"), installed("torchvision")
    if torch is None or vision is None:
        return []  # said by check_packages
    facts = probe_torch()
    if facts.get("kept") == [0, 2]:
        return ok("torch pair", f"torch {torch} and torchvision {vision} belong together (NMS ran)") + judge_gpu(facts)
    if "torch" not in facts:
        found = f"torch {torch} cannot be imported ({facts['error']})"
        return fail("torch pair", found, REINSTALL.format("torch torchvision"))
    # The two are released together: torch 2.0 with torchvision 0.15, 2.1 with 0.16, and so on.
    major, minor = (*release(torch), 0, 0)[:2]
    pair = f'"torch=={major}.{minor}.*" "torchvision==0.{minor + 15}.*"'
    found = f"torch {torch} does not work with torchvision {vision} ({facts.get('error', 'NMS is wrong')})"
    return fail("torch pair", found, f"Install a pair: python -m pip install {pair}") + judge_gpu(facts)


def judge_gpu(facts: dict[str, Any]) -> list[Finding]:
    """What the GPU that `probe_torch` found is good for."""
    if "gpu_error" in facts:
        return note("GPU", f"none that works ({facts['gpu_error']}): the course runs on the CPU", "Look at nvidia-smi.")
    if "gpu" not in facts:
        idle = shutil.which("nvidia-smi") and "nvidia-smi is here: for the GPU, install a CUDA build of torch."
        return note("GPU", "none: the course runs on the CPU", idle or "")
    found = f"{facts['gpu']}, compute capability {'.'.join(map(str, facts['capability']))}"
    if tuple(facts["capability"]) < (8, 0):
        return note("GPU", f"{found}: below 8.0 the course takes fp16, and torch code in place of its kernels")
    return ok("GPU", found)


def check_kernel() -> list[Finding]:
    """The kernel that notebooks ask for, python3: it must be this interpreter."""
    need, remedy = "Jupyter kernel", "Run: python -m ipykernel install --sys-prefix"
    if installed("ipykernel") is None or installed("jupyter_client") is None:
        return note(need, "ipykernel is not installed", INSTALL.format("lab"))
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return fail(need, "there is none called python3", remedy)
    plain = ("python", "python3", "python{}.{}".format(*sys.version_info))  # Jupyter puts its own interpreter there
    if program in plain or os.path.abspath(program) == os.path.abspath(sys.executable):
        return ok(need, "python3 is this interpreter")
    return fail(need, f"python3 is another interpreter, {program}", remedy)


def check_labs() -> list[Finding]:
    """What the interactive labs need: the canvas of the checkout, and JupyterLab's two widget extensions."""
    canvas = Path("gk_utils") / "labs" / "static" / "canvas.js"
    if not (ROOT / canvas).is_file():
        return fail("labs", f"{canvas} is missing", f"Restore it: git checkout {canvas}")
    if installed("anywidget") is None or installed("jupyter_core") is None:
        return note("labs", "anywidget is not installed: labs show pictures that do not move", INSTALL.format("lab"))
    from jupyter_core.paths import jupyter_path

    folders = [Path(folder) / "labextensions" for folder in jupyter_path()]
    extensions = {"anywidget": "anywidget", "@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets"}
    for extension, package in extensions.items():
        if not any((folder / extension / "package.json").is_file() for folder in folders):
            found = f"JupyterLab's extension {extension} is missing: no lab would appear"
            return fail("labs", found, REINSTALL.format(package))
    return ok("labs", "canvas and widget extensions are in place")


def check_photographs() -> list[Finding]:
    """The photographs of scikit-image's wheel that data/photos labels."""
    path = Path("data") / "photos" / "labels.json"
    if not (ROOT / path).is_file():
        return fail("photographs", f"{path} is missing", f"Restore it: git checkout {path}")
    labels = json.loads((ROOT / path).read_text(encoding="utf-8"))
    files = [image["file_name"] for image in labels["images"]]
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        return note("photographs", "scikit-image, which carries them, is not installed", INSTALL.format("lab"))
    missing = [name for name in files if not (Path(spec.origin).parent / "data" / name).is_file()]
    if missing:
        return fail("photographs", f"not in scikit-image: {', '.join(missing)}", REINSTALL.format("scikit-image"))
    return ok("photographs", f"{len(files)} in scikit-image")


def check_disk() -> list[Finding]:
    """Free space where the course lies."""
    free = shutil.disk_usage(ROOT).free / GIB
    if free < 0.5:
        return fail("disk", f"{free:.1f} GiB free, too little to save work", f"Make room on the disk of {ROOT}.")
    if free < 12:
        return note("disk", f"{free:.1f} GiB free: the lessons fit; published models take 0.2 to 8 GB each")
    return ok("disk", f"{free:.0f} GiB free")


def check_machine() -> list[Finding]:
    """Processor cores and memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    except (AttributeError, OSError, ValueError):  # Windows
        return note("machine", f"{cores} cores; a lesson takes up to 1.5 GiB of memory")
    if memory < 3:
        return note(
            "machine", f"{cores} cores, {memory:.1f} GiB of memory", "A lesson takes up to 1.5: close the rest."
        )
    return ok("machine", f"{cores} cores, {memory:.0f} GiB of memory")


def check_hub() -> list[Finding]:
    """Whether the hub of published checkpoints answers; without it the mini tier runs."""
    endpoint = os.environ.get("HF_ENDPOINT", HUB)
    try:
        request = urllib.request.Request(endpoint, method="HEAD")
        urllib.request.urlopen(request, timeout=HUB_PATIENCE - 0.5).close()
    except urllib.error.HTTPError as error:
        error.close()  # an answer, whatever it says
    except (OSError, ValueError) as error:
        return note("hub", f"{endpoint} does not answer ({getattr(error, 'reason', error)})", FINE)
    return ok("hub", f"{endpoint} answers")


CHECKS: dict[str, Callable[[], list[Finding]]] = {
    "Python": check_python,
    "packages": check_packages,
    "torch pair": check_torch,
    "Jupyter kernel": check_kernel,
    "labs": check_labs,
    "photographs": check_photographs,
    "disk": check_disk,
    "machine": check_machine,
    "hub": check_hub,
}


def examine() -> list[Finding]:
    """Run every check in a thread of its own; one that breaks or takes too long becomes a finding."""
    answers: dict[str, list[Finding]] = {}

    def answer(need: str) -> None:
        try:
            answers[need] = CHECKS[need]()
        except subprocess.TimeoutExpired:
            return  # the same as no answer in time
        except (Exception, SystemExit) as error:
            found = " ".join(f"could not be checked ({type(error).__name__}: {error})".split())
            answers[need] = fail(need, found, INSTALL.format("lab,hub"))

    start = time.monotonic()
    threads = {need: threading.Thread(target=answer, args=(need,), daemon=True) for need in CHECKS}
    for thread in threads.values():
        thread.start()
    findings = []
    for need, thread in threads.items():
        patience = HUB_PATIENCE if need == "hub" else PATIENCE
        thread.join(max(0, start + patience - time.monotonic()))
        late = note(need, "no answer in time", FINE) if need == "hub" else fail(need, "no answer in time", "Try again.")
        findings += answers.get(need, late)
    return findings


def run(as_json: bool = False) -> int:
    """Print the findings; the exit status is 1 if a need fails, else 0."""
    findings = examine()
    failed = sum(finding.state == "FAIL" for finding in findings)
    if as_json:
        print(json.dumps({"ready": not failed, "needs": [asdict(finding) for finding in findings]}, indent=1))
        return int(failed > 0)
    width = max(len(finding.need) for finding in findings)
    for finding in findings:
        print(
            f"{finding.state:4}  {finding.need:{width}}  {finding.found}{'. ' * bool(finding.remedy)}{finding.remedy}"
        )
    print(f"\n{failed} of these needs FAIL." if failed else "\nThis machine is ready for the course.")
    return int(failed > 0)
