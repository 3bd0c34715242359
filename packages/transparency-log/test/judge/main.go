// Judges transparency logs with the libraries of other projects: golang.org/x/mod/sumdb, which the Go checksum database uses, and
// transparency-dev's merkle and formats. Reads a question as JSON from standard input, answers with what it finds wrong.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type head struct {
	Size int64  `json:"size"`
	Root []byte `json:"root"`
}

type question struct {
	Origin      string   `json:"origin"`
	Keys        []string `json:"keys"`
	Witnesses   []string `json:"witnesses"`
	Checkpoints []string `json:"checkpoints"`
	Proofs      []struct {
		Leaf []byte `json:"leaf"`
		File string `json:"file"`
	} `json:"proofs"`
	Consistency []struct {
		From  head     `json:"from"`
		To    head     `json:"to"`
		Proof [][]byte `json:"proof"`
	} `json:"consistency"`
	Tiles map[string][]byte `json:"tiles"`
	Make  *struct {
		Leaves  [][]byte `json:"leaves"`
		Signer  string   `json:"signer"`
		Witness string   `json:"witness"`
	} `json:"make"`
}

type answer struct {
	Problems []string `json:"problems"`
	Made     *made    `json:"made,omitempty"`
}

type made struct {
	Roots       [][]byte   `json:"roots"`
	Inclusion   [][][]byte `json:"inclusion"`
	Consistency [][][]byte `json:"consistency"`
	Checkpoint  string     `json:"checkpoint"`
	Cosigned    string     `json:"cosigned"`
	ProofFile   string     `json:"proofFile"`
}

func main() {
	var q question
	if err := json.NewDecoder(os.Stdin).Decode(&q); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	a := answer{Problems: []string{}}
	blame := func(what string, err error) {
		if err != nil {
			a.Problems = append(a.Problems, what+": "+err.Error())
		}
	}
	for i, text := range q.Checkpoints {
		_, err := q.open(text)
		blame(fmt.Sprintf("checkpoint %d", i), err)
		for _, vkey := range q.Witnesses {
			verifier, err := f_note.NewVerifierForCosignatureV1(vkey)
			if err == nil {
				_, err = note.Open([]byte(text), note.VerifierList(verifier))
			}
			blame(fmt.Sprintf("checkpoint %d, cosignature by %s", i, vkey), err)
		}
	}
	for i, p := range q.Proofs {
		blame(fmt.Sprintf("proof %d", i), q.checkProof(p.File, p.Leaf))
	}
	for i, c := range q.Consistency {
		blame(fmt.Sprintf("consistency %d", i), merkle.VerifyConsistency(
			rfc6962.DefaultHasher, uint64(c.From.Size), uint64(c.To.Size), c.Proof, c.From.Root, c.To.Root))
	}
	if q.Tiles != nil {
		blame("tiles", q.checkTiles())
	}
	if q.Make != nil {
		m, err := q.makeAll()
		blame("making", err)
		a.Made = m
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		os.Exit(1)
	}
}

func (q *question) open(text string) (tlog.Tree, error) {
	var verifiers []note.Verifier
	for _, key := range q.Keys {
		v, err := note.NewVerifier(key)
		if err != nil {
			return tlog.Tree{}, err
		}
		verifiers = append(verifiers, v)
	}
	n, err := note.Open([]byte(text), note.VerifierList(verifiers...))
	if err != nil {
		return tlog.Tree{}, err
	}
	var c log.Checkpoint
	if _, err := c.Unmarshal([]byte(n.Text)); err != nil {
		return tlog.Tree{}, err
	}
	if c.Origin != q.Origin {
		return tlog.Tree{}, fmt.Errorf("origin is %q", c.Origin)
	}
	tree := tlog.Tree{N: int64(c.Size)}
	copy(tree.Hash[:], c.Hash)
	return tree, nil
}

func (q *question) checkProof(file string, leaf []byte) error {
	var p proof.TLogProof
	if err := p.Unmarshal([]byte(file)); err != nil {
		return err
	}
	tree, err := q.open(string(p.Checkpoint))
	if err != nil {
		return err
	}
	var hashes tlog.RecordProof
	var slices [][]byte
	for _, h := range p.Hashes {
		hashes = append(hashes, tlog.Hash(h))
		slices = append(slices, append([]byte{}, h[:]...))
	}
	if err := tlog.CheckRecord(hashes, tree.N, tree.Hash, int64(p.Index), tlog.RecordHash(leaf)); err != nil {
		return err
	}
	return merkle.VerifyInclusion(rfc6962.DefaultHasher, p.Index, uint64(tree.N), rfc6962.DefaultHasher.HashLeaf(leaf), slices, tree.Hash[:])
}

type tiles struct{ bytes map[string][]byte }

func (t tiles) Height() int { return 8 }

// In the checksum database paths begin with the height, c2sp.org/tlog-tiles leaves it out.
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, w := range wanted {
		path := strings.TrimPrefix(w.Path(), "tile/8/")
		b, ok := t.bytes[path]
		if !ok {
			return nil, fmt.Errorf("no tile %s", path)
		}
		found = append(found, b)
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// Reads every leaf hash through the tiles, which are checked against the last checkpoint.
func (q *question) checkTiles() error {
	tree, err := q.open(q.Checkpoints[len(q.Checkpoints)-1])
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles{q.Tiles})
	for i := int64(0); i < tree.N; i++ {
		p, err := tlog.ProveRecord(tree.N, i, reader)
		if err != nil {
			return err
		}
		h, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(p, tree.N, tree.Hash, i, h[0]); err != nil {
			return err
		}
	}
	return nil
}

func (q *question) makeAll() (*made, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, i := range indexes {
			found = append(found, stored[i])
		}
		return found, nil
	})
	m := &made{}
	n := int64(len(q.Make.Leaves))
	for i, leaf := range q.Make.Leaves {
		hashes, err := tlog.StoredHashes(int64(i), leaf, reader)
		if err != nil {
			return nil, err
		}
		stored = append(stored, hashes...)
		root, err := tlog.TreeHash(int64(i)+1, reader)
		if err != nil {
			return nil, err
		}
		m.Roots = append(m.Roots, append([]byte{}, root[:]...))
	}
	for i := int64(0); i < n; i++ {
		p, err := tlog.ProveRecord(n, i, reader)
		if err != nil {
			return nil, err
		}
		m.Inclusion = append(m.Inclusion, slices(p))
		c, err := tlog.ProveTree(n, i+1, reader)
		if err != nil {
			return nil, err
		}
		m.Consistency = append(m.Consistency, slices(c))
	}
	body := log.Checkpoint{Origin: q.Origin, Size: uint64(n), Hash: m.Roots[n-1]}.Marshal()
	signer, err := note.NewSigner(q.Make.Signer)
	if err != nil {
		return nil, err
	}
	witness, err := f_note.NewSignerForCosignatureV1(q.Make.Witness)
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: string(body)}, signer)
	if err != nil {
		return nil, err
	}
	cosigned, err := note.Sign(&note.Note{Text: string(body)}, signer, witness)
	if err != nil {
		return nil, err
	}
	m.Checkpoint, m.Cosigned = string(signed), string(cosigned)
	file := proof.TLogProof{Index: uint64(n - 1), Checkpoint: signed}
	for _, h := range m.Inclusion[n-1] {
		file.Hashes = append(file.Hashes, [32]byte(h))
	}
	m.ProofFile = string(file.Marshal())
	return m, nil
}

func slices(hashes []tlog.Hash) [][]byte {
	found := [][]byte{}
	for _, h := range hashes {
		found = append(found, append([]byte{}, h[:]...))
	}
	return found
}
