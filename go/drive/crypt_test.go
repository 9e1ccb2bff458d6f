package drive

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	_ "github.com/rclone/rclone/backend/local"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/obscure"

	"bridge/checks"
)

// What is between crypt and the remote that it wraps must be seen through.
func TestCiphertextIsTransparent(t *testing.T) {
	f, err := fs.NewFs(context.Background(), ":crypt,password="+obscure.MustObscure("x")+",remote='"+t.TempDir()+"':")
	checks.OK(t, err)
	inner := f.Features().UnWrap()
	if _, ok := inner.(*ciphertext); !ok {
		t.Fatalf("%T", inner)
	}
	if under := inner.Features().UnWrap(); under == nil || under.Name() != "local" {
		t.Fatal(under)
	}
}

// Names are encrypted or not; one with a plus sign is found either way.
func TestCiphertextFindsNamesThatTheDriveDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.has(rootID, "a+b.bin", "x")
		c := &ciphertext{Fs: on(t, s).remote}
		o, err := c.NewObject(t.Context(), "a+b.bin")
		checks.OK(t, err)
		if o.Remote() != "a+b.bin" || o.Size() != 1 {
			t.Error(o, o.Size())
		}
		if _, err := c.NewObject(t.Context(), "b"); !errors.Is(err, fs.ErrorObjectNotFound) {
			t.Error(err)
		}
	})
}
