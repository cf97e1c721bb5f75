#!/bin/bash
# A task for each shard of an input:
#   sbatch --array=1-8 slurm-array.sh big.jsonl -m /models/gemma.gguf
#SBATCH --job-name=llmbatch
#SBATCH --output=llmbatch-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
# A task whose node is lost or taken away is started again.
#SBATCH --requeue
# This script gets SIGTERM a minute before its time is over: what is in flight may finish, for 30 seconds at most.
#SBATCH --signal=B:TERM@60

# A task that is sent alone, as by --array=3, must be told how many shards there are: SHARDS=8.
shards=${SHARDS:-$SLURM_ARRAY_TASK_COUNT}
llmbatch run "$@" --shard "$SLURM_ARRAY_TASK_ID/$shards" --progress plain &
run=$!
trap 'kill -TERM "$run"' TERM

# SIGTERM ends the first wait at once. The second one has the exit code of llmbatch.
wait "$run"
wait "$run"
code=$?

# 143: ended by SIGTERM. The same command goes on from there.
if [ "$code" -eq 143 ]; then scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; fi
exit "$code"
