import sys, time, shutil, tempfile, logging
from pathlib import Path
from tests.simulation.world import World
from tests.simulation.fate import Violation
logging.disable(logging.CRITICAL)
first, last = int(sys.argv[1]), int(sys.argv[2])
base = Path(tempfile.mkdtemp(dir="/dev/shm"))
t=time.process_time(); bad=[]
kinds={}
for seed in range(first, last):
    root = base / str(seed); root.mkdir()
    world = World(root, seed, is_parquet=False)
    try:
        world.run()
    except Exception as e:
        bad.append(seed); k=f"{type(e).__name__}: {e}"
        import re
        k2=re.sub(r"\d+","N",k)[:150]
        kinds.setdefault(k2,[]).append((seed,k))
        if last-first==1:
            print("\n".join(world.trace)); raise
    finally:
        shutil.rmtree(root)
print(f"{last-first} runs, {len(bad)} bad, {(time.process_time()-t)/(last-first)*1000:.1f} ms each")
for k,v in sorted(kinds.items(), key=lambda i:-len(i[1])): print(len(v), v[0])
shutil.rmtree(base)
